export interface Order {
  number: number
  articles: string[]
}

export type Pricing = (article: string) => number

export function totalOf(order: Order, priceOf: Pricing): number {
  const prices = order.articles.map((article) => priceOf(article.trim()))
  return prices.reduce((sum, price) => sum + price, 0)
}

/** Takes the money for orders. */
export class Till {
  taken = 0

  constructor(private readonly pricing: Pricing) {}

  pay(order: Order): void {
    try {
      this.taken += totalOf(order, this.pricing)
    } catch (error) {
      throw new Error(`order ${order.number} was not paid`, { cause: error })
    }
  }

  refund(order: Order): void {
    this.taken -= totalOf(order, this.pricing)
  }
}
