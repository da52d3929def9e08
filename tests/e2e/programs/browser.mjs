// Drives Debian's Chromium: MODULES PROFILE SCRIPT in the words, SCRIPT being a list of steps as
// JSON: ["goto", url], ["choose", selector, value], ["fill", selector, text], ["click", selector],
// ["until", selector, pattern] (its text), ["text", selector], ["value", selector],
// ["screenshot", path]. Prints the results of "text", "until" and "value" as a list.
import { createRequire } from 'node:module';

const [modules, profile, script] = process.argv.slice(2);
const require = createRequire(`${modules}/node_modules/`);
const { chromium } = require('playwright-core');

const context = await chromium.launchPersistentContext(profile, {
  executablePath: '/usr/bin/chromium', headless: true, viewport: { width: 1000, height: 900 },
  args: ['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run',
         '--disable-background-networking', '--disable-component-update', '--disable-sync'] });
const page = context.pages()[0] ?? await context.newPage();
page.setDefaultTimeout(120000);
const faults = [];
page.on('pageerror', error => faults.push(String(error)));
page.on('console', message => { if (message.type() === 'error') faults.push(message.text()); });
const results = [];
for (const [what, ...words] of JSON.parse(script)) {
  if (what === 'goto') await page.goto(words[0]);
  else if (what === 'choose') await page.selectOption(words[0], words[1]);
  else if (what === 'fill') await page.fill(words[0], words[1]);
  else if (what === 'click') await page.click(words[0]);
  else if (what === 'text') results.push(await page.textContent(words[0]));
  else if (what === 'value') results.push(await page.inputValue(words[0]));
  else if (what === 'screenshot') await page.screenshot({ path: words[0] });
  else if (what === 'until') {
    await page.waitForFunction(
      ([selector, pattern]) =>
        new RegExp(pattern).test(document.querySelector(selector)?.textContent ?? ''), words);
    results.push(await page.textContent(words[0]));
  } else throw new Error(`no such step: ${what}`);
}
await context.close();
console.log(JSON.stringify({ results, faults }));
