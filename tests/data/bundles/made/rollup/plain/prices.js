const e=new Map([["tea",3],["cake",4.5]]);function n(n){const o=e.get(n);if(void 0===o)throw new RangeError(`no price for ${n}`);return o}export{n as priceOf};
//# sourceMappingURL=prices.js.map
