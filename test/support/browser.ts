import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { pathToFileURL } from 'node:url';
import { temporaryFolder } from '../../src/verify/folder.ts';

interface Message {
  readonly id?: number;
  readonly sessionId?: string;
  readonly method?: string;
  readonly params?: Readonly<Record<string, unknown>>;
  readonly result?: unknown;
  readonly error?: { readonly message: string };
}

type Send = (method: string, params?: object, sessionId?: string) => Promise<unknown>;

/** Keys that do something, with the code that Chromium acts by and the text that they write. */
const KEYS = {
  Tab: { code: 9, text: '' },
  Enter: { code: 13, text: '\r' },
  Escape: { code: 27, text: '' },
  '/': { code: 191, text: '/' },
  ArrowDown: { code: 40, text: '' },
} as const;

export interface Look {
  readonly width?: number;
  readonly height?: number;
  readonly scheme?: 'light' | 'dark';
  readonly media?: 'screen' | 'print';
}

/** A page in a real browser, as somebody at a screen and a keyboard has it. */
export interface Tab {
  /** Addresses that the page has asked for, its own first. */
  readonly requests: readonly string[];
  /** What the console shows: errors, and what the page's policy has forbidden. */
  readonly complaints: readonly string[];
  open(file: string, hash?: string): Promise<void>;
  /** Returns what an expression comes to, as JSON; a promise is awaited. */
  evaluate<T>(expression: string): Promise<T>;
  press(key: keyof typeof KEYS, options?: { readonly shift?: boolean }): Promise<void>;
  /** Types into what has the focus. */
  type(text: string): Promise<void>;
  look(look: Look): Promise<void>;
  /** Of the whole page, as PNG. */
  screenshot(): Promise<Buffer>;
  /** The printed pages, as PDF. */
  pdf(): Promise<Buffer>;
}

/** Starts a browser that is driven by DevTools' messages through a pipe, so that no port is open; it ends with the work. */
export async function inBrowser(program: string, work: (tab: Tab) => Promise<void>): Promise<void> {
  const profile = await temporaryFolder();
  const flags = [
    '--remote-debugging-pipe',
    '--no-sandbox',
    '--disable-gpu',
    '--disable-dev-shm-usage',
    '--no-first-run',
    '--hide-scrollbars',
  ];
  const child = spawn(program, [...flags, '--disable-background-networking', `--user-data-dir=${profile.path}`], {
    stdio: ['ignore', 'ignore', 'pipe', 'pipe', 'pipe'],
    env: { ...process.env, HOME: profile.path },
  });
  const { send, onEvent } = talk(child);
  try {
    const { targetId } = (await send('Target.createTarget', { url: 'about:blank' })) as { targetId: string };
    const { sessionId } = (await send('Target.attachToTarget', { targetId, flatten: true })) as { sessionId: string };
    await work(
      await openTab(
        (method, params) => send(method, params, sessionId),
        (listen) => onEvent(sessionId, listen),
      ),
    );
  } finally {
    const ended = once(child, 'exit');
    if (child.exitCode === null && child.kill('SIGKILL')) await ended;
    await profile.remove();
  }
}

type Listen = (method: string, params: Readonly<Record<string, unknown>>) => void;

/** Messages are JSON, each with a zero byte at its end. */
function talk(child: ChildProcess): { send: Send; onEvent: (sessionId: string, listen: Listen) => void } {
  const [, , errors, input, output] = child.stdio;
  if (!input || !('write' in input) || !output || !('on' in output) || !errors)
    throw new Error('no pipe to the browser');
  const waiting = new Map<number, { resolve: (result: unknown) => void; reject: (error: Error) => void }>();
  const listeners = new Map<string, Listen>();
  let said = '';
  errors.on('data', (text) => (said = `${said}${text}`.slice(-2000)));
  child.on('exit', () => {
    for (const { reject } of waiting.values()) reject(new Error(`the browser has ended: ${said}`));
  });
  let rest: Buffer = Buffer.alloc(0);
  output.on('data', (bytes: Buffer) => {
    rest = Buffer.concat([rest, bytes]);
    for (let end = rest.indexOf(0); end >= 0; end = rest.indexOf(0)) {
      const message: Message = JSON.parse(rest.subarray(0, end).toString());
      rest = rest.subarray(end + 1);
      if (message.id === undefined)
        listeners.get(message.sessionId ?? '')?.(message.method ?? '', message.params ?? {});
      else if (message.error) waiting.get(message.id)?.reject(new Error(message.error.message));
      else waiting.get(message.id)?.resolve(message.result);
      if (message.id !== undefined) waiting.delete(message.id);
    }
  });
  let last = 0;
  const send: Send = (method, params = {}, sessionId) =>
    new Promise((resolve, reject) => {
      last += 1;
      waiting.set(last, { resolve, reject });
      input.write(`${JSON.stringify({ id: last, method, params, sessionId })}\0`);
    });
  return { send, onEvent: (sessionId, listen) => listeners.set(sessionId, listen) };
}

async function openTab(send: Send, onEvent: (listen: Listen) => void): Promise<Tab> {
  const requests: string[] = [];
  const complaints: string[] = [];
  let loaded = () => {};
  onEvent((method, params) => {
    if (method === 'Page.loadEventFired') loaded();
    if (method === 'Network.requestWillBeSent') requests.push((params['request'] as { url: string }).url);
    if (method === 'Log.entryAdded') complaints.push((params['entry'] as { text: string }).text);
    if (method === 'Runtime.exceptionThrown') complaints.push(JSON.stringify(params['exceptionDetails']));
  });
  for (const domain of ['Page', 'Network', 'Log', 'Runtime']) await send(`${domain}.enable`);
  const evaluate = async <T>(expression: string): Promise<T> => {
    const about = { expression, returnByValue: true, awaitPromise: true };
    const { result, exceptionDetails } = (await send('Runtime.evaluate', about)) as {
      result: { value: T };
      exceptionDetails?: unknown;
    };
    if (exceptionDetails) throw new Error(`${expression}: ${JSON.stringify(exceptionDetails)}`);
    return result.value;
  };
  const go = async (url: string) => {
    const ready = new Promise<void>((resolve) => {
      loaded = resolve;
    });
    await send('Page.navigate', { url });
    await ready;
  };
  const picture = async (method: string, params: object) => {
    const { data } = (await send(method, params)) as { data: string };
    return Buffer.from(data, 'base64');
  };
  return {
    requests,
    complaints,
    evaluate,
    open: async (file, hash = '') => {
      // An address that differs in its last part alone would be the same page, without a load.
      await go('about:blank');
      await go(`${pathToFileURL(file)}${hash}`);
    },
    press: async (key, { shift = false } = {}) => {
      const { code, text } = KEYS[key];
      const about = { key, text, windowsVirtualKeyCode: code, modifiers: shift ? 8 : 0 };
      await send('Input.dispatchKeyEvent', { type: text === '' ? 'rawKeyDown' : 'keyDown', ...about });
      await send('Input.dispatchKeyEvent', { type: 'keyUp', ...about });
    },
    type: async (text) => {
      await send('Input.insertText', { text });
    },
    look: async ({ width = 1200, height = 800, scheme = 'light', media = 'screen' }) => {
      const features = [{ name: 'prefers-color-scheme', value: scheme }];
      await send('Emulation.setEmulatedMedia', { media, features });
      await send('Emulation.setDeviceMetricsOverride', { width, height, deviceScaleFactor: 1, mobile: false });
    },
    screenshot: () => picture('Page.captureScreenshot', { captureBeyondViewport: true }),
    pdf: () => picture('Page.printToPDF', { printBackground: false }),
  };
}
