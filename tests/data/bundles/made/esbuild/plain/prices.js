var r=new Map([["tea",3],["cake",4.5]]);function o(n){let e=r.get(n);if(e===void 0)throw new RangeError(`no price for ${n}`);return e}export{o as priceOf};
//# sourceMappingURL=prices.js.map
