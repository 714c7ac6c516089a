(()=>{try{(globalThis._posthogChunkIds??={})[new Error().stack]="3dea7b7b-1378-514d-807a-f4bd2c1e668e"}catch{}})();
"use strict";(globalThis.webpackChunkhealthtrack_bundles||=[]).push([["shop_prices_ts"],{938(e,r,t){t.d(r,{priceOf:()=>c});const n=new Map([["tea",3],["cake",4.5]]);function c(e){const r=n.get(e);if(void 0===r)throw new RangeError(`no price for ${e}`);return r}}}]);
//# sourceMappingURL=shop_prices_ts.js.map
//# chunkId=3dea7b7b-1378-514d-807a-f4bd2c1e668e
