(()=>{try{(globalThis._posthogChunkIds??={})[new Error().stack]="0dabe787-f7b8-5bf2-b80f-52c50c6ac839"}catch{}})();
const e=new Map([["tea",3],["cake",4.5]]);function n(n){const o=e.get(n);if(void 0===o)throw new RangeError(`no price for ${n}`);return o}export{n as priceOf};
//# sourceMappingURL=prices.js.map

//# chunkId=0dabe787-f7b8-5bf2-b80f-52c50c6ac839
