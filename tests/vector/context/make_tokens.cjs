// Makes tokens.jsonl beside it: texts with the number of their tokens in cl100k_base and o200k_base.
//   npm pack js-tiktoken@1.0.15 base64-js@1.5.1, unpacked into node_modules; node make_tokens.cjs ROOT > tokens.jsonl
const fs = require('fs'), path = require('path'), {getEncoding} = require('js-tiktoken');
const cl100k = getEncoding('cl100k_base'), o200k = getEncoding('o200k_base');
let state = 12345n;
const below = n => { state = (state * 6364136223846793005n + 1442695040888963407n) & 0xffffffffffffffffn; return Number((state >> 33n) % BigInt(n)); };
const pick = list => list[below(list.length)];
const out = (kind, text) => console.log(JSON.stringify({kind, text, cl100k: cl100k.encode(text, [], []).length, o200k: o200k.encode(text, [], []).length}));
const words = 'flight airport customer order delay origin destination distance carrier region amount currency invoice line product category employee department salary station temperature precipitation wind humidity created updated status type code name address city country zip phone email quantity price discount tax total average minimum maximum count rate ratio percentage event session user account balance transaction merchant latitude longitude altitude speed engine damage species wildlife phase'.split(' ');
const types = ['INTEGER', 'BIGINT', 'VARCHAR(40)', 'TEXT', 'DOUBLE', 'DECIMAL(10, 2)', 'TIMESTAMP', 'DATE', 'BOOLEAN', 'long', 'string', 'timestamptz', 'number', 'nvarchar(255)'];
const styles = [w => w.join('_'), w => w.map((x, i) => i ? x[0].toUpperCase() + x.slice(1) : x).join(''), w => w.map(x => x[0].toUpperCase() + x.slice(1)).join(''), w => w.join('_').toUpperCase(), w => w.map(x => x.slice(0, 3)).join('_').toUpperCase(), w => w.map(x => x.replace(/[aeiou]/g, '').slice(0, 4)).join('_'), w => w.join(' ')];
const name = style => style(Array.from({length: 1 + below(3)}, () => pick(words)));
for (let i = 0; i < 120; i++) {
  const style = pick(styles), columns = Array.from({length: 2 + below(14)}, () => `  "${name(style)}" ${pick(types)}, -- ${below(2) ? 'The ' + name(styles[6]) + ' of the ' + pick(words) + ' in ' + pick(['minutes', 'miles', 'dollars']) : "such as 'SFO', '2001-01-15', '42'"}`);
  out('schema', `CREATE TABLE "${pick(['lake.aviation', 'crm', 'sales_dw', 'HR'])}"."${name(style)}" (\n${columns.join('\n')}\n  PRIMARY KEY ("id")\n);\n`);
}
for (let i = 0; i < 60; i++) out('question', `${pick(['which', 'how many', 'what is the', 'list all', 'show me the'])} ${name(styles[6])}s ${pick(['have the highest', 'were there in', 'per', 'without any', 'by'])} ${name(styles[6])} ${pick(['in winter 2001', 'last month', 'for each ' + pick(words), 'above 12.5 %', ''])}?`);
for (const file of ['docs/ARCHITECTURE.md', 'docs/point-in-time.md', 'docs/iceberg-support.md', 'README.md']) {
  const text = fs.readFileSync(path.join(process.argv[2], file), 'utf8');
  for (let at = 0; at + 500 <= text.length && at < 6000; at += 500) out('prose', text.slice(at, at + 500));
}
for (const text of ['Die Größe der Lieferung überschreitet die zulässige Höchstgrenze für Straßenfahrzeuge im öffentlichen Verkehr.', 'Le département des finances a présenté les résultats trimestriels à l’assemblée générale des actionnaires.', 'Kecamatan, kabupaten, provinsi, pendapatan, penduduk, pengeluaran rumah tangga menurut golongan', 'Zákazníci objednávky množství skladové zásoby příjmení zaměstnanec oddělení výplata', '顧客の注文履歴と在庫数量を倉庫ごとに集計する。部門別の売上高と利益率。', 'Таблица заказов клиентов, количество товара на складе, сумма платежа и дата доставки', 'فاتورة العميل ورقم الطلب وتاريخ التسليم', 'Los clientes con pedidos pendientes de entrega por región y categoría de producto']) out('language', text);
const sets = {letters: 'abcdefghijklmnopqrstuvwxyz', capitals: 'ABCDEFGHIJKLMNOPQRSTUVWXYZ', marks: '!"#$%&\'()*+,-./:;<=>?@[\\]^_`{|}~ \n\t', mixed: 'abcdefghijklmnopqrstuvwxyz0123456789_-'};
for (const [kind, set] of Object.entries(sets)) for (let i = 0; i < 20; i++) out('random ' + kind, Array.from({length: 12}, () => Array.from({length: 3 + below(12)}, () => pick(set.split(''))).join('')).join(' '));
