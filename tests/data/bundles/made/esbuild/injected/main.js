(()=>{try{(globalThis._posthogChunkIds??={})[new Error().stack]="13eb3acb-7c25-57cd-b257-8d62167efeb1"}catch{}})();
function o(e,r){return e.articles.map(n=>r(n.trim())).reduce((n,c)=>n+c,0)}var i=class{constructor(r){this.pricing=r}pricing;taken=0;pay(r){try{this.taken+=o(r,this.pricing)}catch(t){throw new Error(`order ${r.number} was not paid`,{cause:t})}}refund(r){this.taken-=o(r,this.pricing)}};var a=[{number:1,articles:["tea"," cake"]},{number:2,articles:["tea","coffee "]}];async function s(){let{priceOf:e}=await import("./prices.js"),r=new i(e);setTimeout(()=>{for(let t of a)r.pay(t)})}s();
//# sourceMappingURL=main.js.map

//# chunkId=13eb3acb-7c25-57cd-b257-8d62167efeb1
