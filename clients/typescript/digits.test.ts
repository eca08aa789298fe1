/** The client in front of a running backend, at the address in BACKEND. */

import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { Digits, DigitsError } from './digits.ts';

const { BACKEND = 'http://127.0.0.1:5000' } = process.env;
const digits = new Digits(BACKEND);
const seven = new Blob([await readFile(new URL('../../digit.png', import.meta.url))]);
const text = new Blob(['Milk, bread']);

/** A fetch whose first answers are lost, or come from a busy proxy. */
function accidents(...answers: ('lost' | Response)[]): typeof fetch {
  return async (...request) => {
    const response = await fetch(...request);
    const accident = answers.shift();
    if (accident === 'lost') throw new TypeError('fetch failed');
    return accident ?? response;
  };
}

async function count(): Promise<number> {
  return (await Array.fromAsync(digits.history())).length;
}

test('a picture is read, kept, found, corrected and deleted', async () => {
  const upload = await digits.recognise(seven);
  assert.equal(upload.number, '7');
  assert.deepEqual(await digits.get(upload.id), upload);
  assert.equal((await digits.image(upload.id)).size, seven.size);
  assert.equal((await digits.correct(upload.id, '1')).label, '1');
  await digits.delete(upload.id);
  await assert.rejects(digits.get(upload.id), { name: 'DigitsError', status: 404, type: '/problems/not-found' });
});

test('nothing is kept unless asked for', async () => {
  const before = await count();
  const answer = await digits.recognise(seven, { store: false, preview: true });
  assert.ok(!('id' in answer));
  assert.match(answer.digits[0]?.preview ?? '', /^data:image\/png;base64,/);
  assert.equal(await count(), before);
});

test('likely numbers are told if asked for', async () => {
  const upload = await digits.recognise(seven, { alternatives: 2 });
  assert.equal(upload.alternatives?.length, 2);
  assert.deepEqual((await digits.get(upload.id, { alternatives: 2 })).alternatives, upload.alternatives);
});

test('of several pictures each has its result or its error', async () => {
  const shown = (results: Awaited<ReturnType<Digits['recogniseSeveral']>>) =>
    results.map((result) => (result instanceof DigitsError ? result.status : result.number));
  assert.deepEqual(shown(await digits.recogniseSeveral([seven, text])), ['7', 415]);
  assert.deepEqual(shown(await digits.recogniseSeveral([text])), [415]);
  assert.deepEqual(await digits.recogniseSeveral([]), []);
});

test('the history is gone through page by page', async () => {
  for (let uploads = 0; uploads < 3; uploads++) await digits.recognise(seven);
  const ids = (await Array.fromAsync(digits.history())).map(({ id }) => id);
  const pages = (await Array.fromAsync(digits.history({ limit: 2 }))).map(({ id }) => id);
  assert.ok(ids.length >= 3);
  assert.deepEqual(pages, ids);
  assert.equal((await Array.fromAsync(digits.history({ digit: 8 }))).length, 0);
});

test('a refusal is an error with the sentence of the server', async () => {
  await assert.rejects(digits.recognise(text), (error: DigitsError) => {
    assert.match(error.message, /^This file is not a picture/);
    assert.equal(error.status, 415);
    assert.ok(error.requestId);
    return true;
  });
});

test('a picture whose answer was lost is kept once', async () => {
  const before = await count();
  const upload = await new Digits(BACKEND, { fetch: accidents('lost') }).recognise(seven);
  assert.equal(upload.number, '7');
  assert.equal(await count(), before + 1);
});

test('a key is sent with every request, and what is over the rate is sent again', async () => {
  const sent: (string | null)[] = [];
  const limited = new Response('<html>', { status: 429, headers: { 'Retry-After': '0' } });
  const fetching = accidents(limited);
  const noting: typeof fetch = (url, request) => {
    sent.push(new Headers(request?.headers).get('Authorization'));
    return fetching(url, request);
  };
  assert.equal((await new Digits(BACKEND, { key: 'digits_1', fetch: noting }).recognise(seven, { store: false })).number, '7');
  assert.deepEqual(sent, ['Bearer digits_1', 'Bearer digits_1']);
});

test('what was deleted though the answer was lost is deleted', async () => {
  const { id } = await digits.recognise(seven);
  await new Digits(BACKEND, { fetch: accidents('lost') }).delete(id);
});

test('what is not there counts as deleted only if an earlier try may have deleted it', async () => {
  const { id } = await digits.recognise(seven);
  await digits.delete(id);
  const failed = (status: number) => accidents(new Response('<html>', { status, headers: { 'Retry-After': '0' } }));
  await new Digits(BACKEND, { fetch: failed(502) }).delete(id);
  await new Digits(BACKEND, { fetch: failed(504) }).delete(id);
  await assert.rejects(new Digits(BACKEND, { fetch: failed(503) }).delete(id), { status: 404 });
});

test('of several pictures those that met a busy server are sent again', async () => {
  const before = await count();
  const uploads = [{ status: 503, title: 'Busy', detail: 'Busy.', type: '/problems/busy', request_id: '' }];
  const partlyBusy = Response.json({ uploads }, { status: 207, headers: { 'Retry-After': '0' } });
  const results = await new Digits(BACKEND, { fetch: accidents(partlyBusy) }).recogniseSeveral([seven, seven]);
  assert.deepEqual(results.map((result) => result instanceof DigitsError || result.number), ['7', '7']);
  assert.equal(await count(), before + 2);
});

test('an answer that is not of the backend is an error with a sentence', async () => {
  for (const status of [200, 207]) {
    for (const body of ['<html>', 'null', '[]', '{"uploads": null}']) {
      const portal = new Digits('http://portal', { fetch: async () => new Response(body, { status }) });
      const asked = [
        () => portal.recognise(seven),
        () => portal.recogniseSeveral([seven]),
        () => portal.recogniseSeveral([seven, seven]),
        () => portal.get('1'),
        () => Array.fromAsync(portal.history()),
        () => portal.correct('1', '7'),
        () => portal.delete('1'),
        () => portal.image('1'),
      ];
      for (const answer of asked) {
        await assert.rejects(answer, { name: 'DigitsError', message: /^This answer is not the backend's/, status });
      }
    }
  }
});

test('an answer that breaks off is asked for again, after growing pauses', async (t) => {
  const pauses: number[] = [];
  const skip = (go: () => void, pause: number) => void (pauses.push(pause), go());
  t.mock.method(globalThis, 'setTimeout', skip as unknown as typeof setTimeout);
  const broken = () => new Response(new ReadableStream({ start: (body) => body.error(new TypeError('terminated')) }));
  const unlucky = new Digits('http://portal', { fetch: async () => broken() });
  await assert.rejects(unlucky.get('1'), { name: 'DigitsError', message: /broke off/, status: undefined });
  assert.equal(pauses.length, 3);
  pauses.forEach((pause, tries) => assert.ok(pause >= 250 * 2 ** tries && pause <= 500 * 2 ** tries));
});

test('it waits as long as the server says, and gives up in the end', async () => {
  const busy = () => new Response('<html>', { status: 503, headers: { 'Retry-After': '1' } });
  const began = Date.now();
  await new Digits(BACKEND, { fetch: accidents(busy()) }).recognise(seven);
  assert.ok(Date.now() - began >= 1000);
  const impatient = new Digits(BACKEND, { retries: 0, fetch: accidents(busy(), 'lost') });
  await assert.rejects(impatient.recognise(seven), { message: 'The server answered 503.', status: 503 });
  await assert.rejects(impatient.recognise(seven), { message: /^The server did not answer/, status: undefined });
});
