// How the page looks: light or dark as the visitor's system is, no asset from elsewhere.

export const stylesheet = `
  :root {
    color-scheme: light dark;
    --paper: #f6f7f5; --card: #ffffff; --ink: #16242e; --soft: #5a6b76; --line: #dfe5e6;
    --sea: #0f6a8f; --sea-ink: #ffffff; --good: #1b7f5c; --bad: #b3352b; --red-star: #d3382c; --black-star: #16242e;
    --shadow: 0 1px 2px #16242e14, 0 8px 24px #16242e14;
  }
  @media (prefers-color-scheme: dark) {
    :root {
      --paper: #0e171d; --card: #16232b; --ink: #e6eef1; --soft: #93a7b2; --line: #263741;
      --sea: #5bb8dc; --sea-ink: #07212d; --good: #56c79d; --bad: #ff8a7d; --red-star: #ff6a5c; --black-star: #e6eef1;
      --shadow: 0 1px 2px #0006, 0 8px 24px #0004;
    }
  }
  * { box-sizing: border-box; }
  body { margin: 0; background: var(--paper); color: var(--ink); font: 16px/1.55 system-ui, sans-serif; }
  header, main, footer { max-width: 1080px; margin: 0 auto; padding: 0 24px; }
  header { display: flex; align-items: center; gap: 24px; padding-top: 20px; padding-bottom: 20px; flex-wrap: wrap; }
  header form { display: flex; align-items: center; gap: 8px; }
  .brand { font: 600 22px/1 Georgia, serif; color: var(--sea); text-decoration: none; margin-right: auto; display: flex; gap: 10px; align-items: center; }
  .brand .wave { width: 34px; }
  input { font: inherit; color: inherit; background: var(--card); border: 1px solid var(--line); border-radius: 8px; padding: 6px 10px; width: 9em; }
  button { font: inherit; font-weight: 600; border: 0; border-radius: 8px; padding: 9px 18px; background: var(--sea); color: var(--sea-ink); cursor: pointer; }
  button:hover { filter: brightness(1.08); }
  button.quiet { background: none; color: var(--sea); padding: 6px 4px; }
  :focus-visible { outline: 2px solid var(--sea); outline-offset: 2px; }
  .count { background: var(--sea); color: var(--sea-ink); border-radius: 99px; padding: 1px 9px; font-variant-numeric: tabular-nums; }
  .feature { display: grid; grid-template-columns: 220px 1fr 340px; gap: 32px; background: var(--card); border-radius: 18px; padding: 32px; box-shadow: var(--shadow); }
  .kicker { text-transform: uppercase; letter-spacing: .12em; font-size: 12px; font-weight: 600; color: var(--sea); margin: 0; }
  h1 { font: 600 34px/1.15 Georgia, serif; margin: 6px 0 8px; text-wrap: balance; }
  h2 { font: 600 20px/1.2 Georgia, serif; margin: 36px 0 16px; }
  .author { color: var(--soft); margin: 0; }
  .blurb { font-size: 18px; text-wrap: pretty; }
  .buy { display: flex; align-items: center; gap: 16px; flex-wrap: wrap; margin-top: 24px; }
  .price { font-size: 22px; font-weight: 600; font-variant-numeric: tabular-nums; }
  .stock { font-size: 13px; color: var(--soft); border: 1px solid var(--line); border-radius: 99px; padding: 1px 10px; white-space: nowrap; font-variant-numeric: tabular-nums; }
  .stock.live::before { content: ""; display: inline-block; width: 7px; height: 7px; border-radius: 9px; background: var(--good); margin-right: 6px; }
  .stock.low { color: var(--bad); }
  .stock.changed { animation: flash 1s ease-out; }
  @keyframes flash { from { background: color-mix(in srgb, var(--sea) 35%, transparent); } }
  @media (prefers-reduced-motion: reduce) { .stock.changed { animation: none; } }
  .cover { display: flex; flex-direction: column; justify-content: space-between; color: #fff; border-radius: 4px 10px 10px 4px; padding: 18px 16px 14px 22px; aspect-ratio: 2/3;
    background: linear-gradient(90deg, #0003 0 8px, #fff2 8px 9px, transparent 9px), linear-gradient(165deg, hsl(var(--hue) 52% 46%), hsl(calc(var(--hue) + 26) 60% 24%)); box-shadow: var(--shadow); }
  .cover-title { font: 600 21px/1.2 Georgia, serif; }
  .cover-author { font-size: 13px; opacity: .85; }
  .cover .wave { width: 70%; opacity: .55; }
  .cover.small .cover-title { font-size: 16px; }
  .reviews { border-left: 1px solid var(--line); padding-left: 28px; }
  .reviews h2 { margin: 0 0 12px; display: flex; justify-content: space-between; align-items: center; }
  .version { font: 600 13px/1 ui-monospace, monospace; padding: 5px 10px; border-radius: 99px; background: var(--line); }
  .version.v2 { background: var(--ink); color: var(--paper); }
  .version.v3 { background: var(--red-star); color: #fff; }
  blockquote { margin: 0 0 14px; }
  cite { display: block; color: var(--soft); font-style: normal; font-size: 14px; }
  cite::before { content: "— "; }
  .stars { --color: var(--black-star); margin-bottom: 14px; }
  .stars.red { --color: var(--red-star); }
  .stars .row { display: inline-block; font-size: 0; background: linear-gradient(90deg, var(--color) calc(var(--filled) * 20%), var(--line) 0); -webkit-background-clip: text; background-clip: text; }
  .stars button { font-size: 26px; line-height: 1; padding: 0 1px; background: none; color: transparent; border-radius: 4px; }
  .stars .average { display: block; color: var(--soft); font-size: 14px; }
  .failed { color: var(--bad); }
  .shelf { display: grid; grid-template-columns: repeat(auto-fill, minmax(165px, 1fr)); gap: 28px 24px; }
  .book { display: flex; flex-direction: column; gap: 3px; color: inherit; text-decoration: none; }
  .book .cover { margin-bottom: 10px; transition: transform .15s; }
  .book:hover .cover { transform: translateY(-4px); }
  .book .line { display: flex; justify-content: space-between; align-items: center; margin-top: auto; padding-top: 4px; }
  .closed { text-align: center; padding: 90px 0; }
  footer { padding-bottom: 48px; }
  footer ul { list-style: none; padding: 0; display: flex; flex-wrap: wrap; gap: 10px; margin: 0; }
  footer li { background: var(--card); border: 1px solid var(--line); border-left: 4px solid var(--good); border-radius: 8px; padding: 6px 12px; font-size: 14px; }
  footer li.bad { border-left-color: var(--bad); }
  footer .status, footer .time, footer .pod { color: var(--soft); margin-left: 6px; font-variant-numeric: tabular-nums; }
  footer .pod { font: 12px ui-monospace, monospace; }
  .bad .status { color: var(--bad); font-weight: 600; }
  @media (max-width: 900px) {
    .feature { grid-template-columns: 150px 1fr; gap: 22px; padding: 22px; }
    .reviews { grid-column: 1 / -1; border-left: 0; padding: 20px 0 0; border-top: 1px solid var(--line); }
  }
  @media (max-width: 520px) { .feature { grid-template-columns: 1fr; } .cover.large { max-width: 180px; } }
`;
