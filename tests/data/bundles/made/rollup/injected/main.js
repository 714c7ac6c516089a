(()=>{try{(globalThis._posthogChunkIds??={})[new Error().stack]="f855d069-871b-56a3-88ae-71f3adc1590c"}catch{}})();
function t(t,r){return t.articles.map(t=>r(t.trim())).reduce((t,r)=>t+r,0)}class r{pricing;taken=0;constructor(t){this.pricing=t}pay(r){try{this.taken+=t(r,this.pricing)}catch(t){throw new Error(`order ${r.number} was not paid`,{cause:t})}}refund(r){this.taken-=t(r,this.pricing)}}const e=[{number:1,articles:["tea"," cake"]},{number:2,articles:["tea","coffee "]}];!async function(){const{priceOf:t}=await(import("./prices.js")),i=new r(t);setTimeout(()=>{for(const t of e)i.pay(t)})}();
//# sourceMappingURL=main.js.map

//# chunkId=f855d069-871b-56a3-88ae-71f3adc1590c
