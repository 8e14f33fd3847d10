import { Html } from '../common/html.js';

/** The look of the provider's own pages, on purpose not that of the app: the user has gone elsewhere. */
export const style = new Html(`
  :root { color-scheme: light dark; --page: #eef0f4; --card: #fff; --ink: #1c2330; --soft: #5b6475; --line: #d5dae3; --act: #5a3ec8; --on-act: #fff; --bad: #b3261e; }
  @media (prefers-color-scheme: dark) {
    :root { --page: #14161c; --card: #1d2029; --ink: #eceef4; --soft: #a3abbb; --line: #353b49; --act: #b3a2ff; --on-act: #17102e; --bad: #ff8a80; }
  }
  * { box-sizing: border-box; }
  body { margin: 0; min-height: 100vh; display: grid; place-items: center; padding: 1rem; background: var(--page); color: var(--ink); font: 1rem/1.5 system-ui, sans-serif; }
  main { width: min(25rem, 100%); padding: 2rem; background: var(--card); border: 1px solid var(--line); border-radius: 1rem; }
  .who { margin: 0; color: var(--act); font-size: .8rem; font-weight: 600; letter-spacing: .04em; }
  h1 { margin: .2rem 0 1rem; font-size: 1.6rem; line-height: 1.2; }
  p { margin: 0 0 .9rem; }
  ul { margin: 0 0 1.25rem; padding-left: 1.1rem; }
  form { display: grid; gap: .9rem; }
  label { display: grid; gap: .3rem; font-weight: 600; font-size: .9rem; }
  input, button { font: inherit; padding: .65rem .8rem; border-radius: .6rem; border: 1px solid var(--line); background: none; color: inherit; width: 100%; }
  input { font-weight: 400; border-color: var(--soft); }
  button { background: var(--act); border-color: var(--act); color: var(--on-act); font-weight: 600; cursor: pointer; }
  button + button { margin-top: .9rem; }
  form > button + button { margin-top: 0; }
  button.quiet { background: none; border-color: var(--line); color: inherit; }
  :focus-visible { outline: 3px solid var(--act); outline-offset: 2px; }
  [role="alert"] { margin: 0; color: var(--bad); }
  .note { margin: 1.25rem 0 0; color: var(--soft); font-size: .85rem; }
`);
