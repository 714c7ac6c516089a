import { Cart } from './cart.js';

function checkout(prices) {
  return new Cart(prices).total();
}

checkout([1, 'two']);
