// A shop's cart.
export function Cart(prices) {
  this.prices = prices;
}

Cart.prototype.total = function () {
  return this.prices.map((price) => parsePrice(price)).reduce((sum, price) => sum + price, 0);
};

function parsePrice(price) {
  if (typeof price !== 'number') {
    throw new TypeError(`not a price: ${price}`);
  }
  return price;
}
