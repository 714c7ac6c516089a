(()=>{try{(globalThis._posthogChunkIds??={})[new Error().stack]="53894642-6cf5-5e8c-b586-df6f849ed9ea"}catch{}})();
var r=new Map([["tea",3],["cake",4.5]]);function o(n){let e=r.get(n);if(e===void 0)throw new RangeError(`no price for ${n}`);return e}export{o as priceOf};
//# sourceMappingURL=prices.js.map

//# chunkId=53894642-6cf5-5e8c-b586-df6f849ed9ea
