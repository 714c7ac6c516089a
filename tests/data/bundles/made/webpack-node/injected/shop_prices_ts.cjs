(()=>{try{(globalThis._posthogChunkIds??={})[new Error().stack]="ca47e797-69fa-579c-8637-53f6ad9da79a"}catch{}})();
"use strict";exports.ids=["shop_prices_ts"],exports.modules={938(e,r,o){o.d(r,{priceOf:()=>s});const t=new Map([["tea",3],["cake",4.5]]);function s(e){const r=t.get(e);if(void 0===r)throw new RangeError(`no price for ${e}`);return r}}};
//# sourceMappingURL=shop_prices_ts.cjs.map
//# chunkId=ca47e797-69fa-579c-8637-53f6ad9da79a
