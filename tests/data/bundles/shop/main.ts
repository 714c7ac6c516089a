import { Till, type Order } from './checkout'

declare function setTimeout(work: () => void): void

const ORDERS: Order[] = [
  { number: 1, articles: ['tea', ' cake'] },
  { number: 2, articles: ['tea', 'coffee '] },
]

async function openShop(): Promise<void> {
  const { priceOf } = await import('./prices')
  const till = new Till(priceOf)
  setTimeout(() => {
    for (const order of ORDERS) {
      till.pay(order)
    }
  })
}

openShop()
