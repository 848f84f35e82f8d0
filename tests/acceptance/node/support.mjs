// The vocabulary of the promises.
import assert from 'node:assert/strict';
import http from 'node:http';
import { createRequire } from 'node:module';
import path from 'node:path';

// Where the clients are installed: outside of the sources.
const require = createRequire(path.join(process.env.NODE_CLIENTS, 'package.json'));

export const models = require('@alicloud/esa20240910');
export const { $OpenApiUtil } = require('@alicloud/openapi-core');
export const { RPCClient } = require('@alicloud/pop-core');
export const RuntimeOptions = require('@darabonba/typescript').RuntimeOptions;

const UUID = /^[0-9A-F]{8}-[0-9A-F]{4}-4[0-9A-F]{3}-[89AB][0-9A-F]{3}-[0-9A-F]{12}$/;

export function client(serin, more = {}) {
  return new models.default(new $OpenApiUtil.Config({
    accessKeyId: 'testid', accessKeySecret: 'testsecret', endpoint: serin.admin,
    protocol: 'http', regionId: 'cn-hangzhou', ...more,
  }));
}

// Calls an action by its name: the answer's body, of the types that the models declare.
export async function call(esa, action, params) {
  const method = action[0].toLowerCase() + action.slice(1);
  const Request = models[`${action}Request`];
  const answer = await (Request ? esa[method](new Request(params)) : esa[method]());
  assert.equal(answer.statusCode, 200);
  assert.match(answer.body.requestId, UUID);
  assert.equal(answer.headers['x-acs-request-id'], answer.body.requestId);
  assertTyped(answer.body, answer.body.constructor, action);
  return answer.body;
}

// A call that the SDK has no method for: the body as it came.
export async function byHand(esa, action, query) {
  const params = new $OpenApiUtil.Params({
    action, version: '2024-09-10', protocol: 'HTTP', pathname: '/', method: 'GET', authType: 'AK',
    style: 'RPC', reqBodyType: 'formData', bodyType: 'json',
  });
  const request = new $OpenApiUtil.OpenApiRequest({ query });
  return (await esa.callApi(params, request, new RuntimeOptions({}))).body;
}

// Whether everything that is set has its declared type, down to the last leaf.
export function assertTyped(value, type, at) {
  if (value === undefined || value === null || type === 'any') return;
  if (typeof type === 'string') {
    assert.equal(typeof value, type, `${at}: ${value}`);
    if (type === 'number') assert.ok(Number.isSafeInteger(value), `${at}: ${value}`);
  } else if (type.type === 'array') {
    assert.ok(Array.isArray(value), `${at} is no list`);
    value.forEach((inner, place) => assertTyped(inner, type.itemType, `${at}[${place}]`));
  } else if (type.type === 'map') {
    for (const [name, inner] of Object.entries(value)) {
      assertTyped(inner, type.valueType, `${at}.${name}`);
    }
  } else {
    assert.ok(value instanceof type, `${at} is no ${type.name}`);
    for (const [name, declared] of Object.entries(type.types())) {
      assertTyped(value[name], declared, `${at}.${name}`);
    }
  }
}

// The error of a promise that must fail, once it says just this.
export async function refused(promise, code, message, status = 400, name = 'ClientError') {
  const error = await promise.then(() => assert.fail('it was not refused'), (it) => it);
  assert.equal(error.code, code, error.stack);
  assert.equal(error.statusCode, status);
  assert.equal(error.name, name);
  assert.match(error.requestId, UUID);
  if (message !== undefined) {
    assert.equal(error.message, `${code}: code: ${status}, ${message} request id: ${error.requestId}`);
  }
  return error;
}

// The staging flow: the form that tools post, every field and then the file.
export async function upload(fields, code) {
  const form = new FormData();
  for (const [name, value] of Object.entries(fields)) {
    if (name !== 'Url') form.append(name, value);
  }
  form.append('file', new Blob([code]));
  const answer = await fetch(fields.Url, { method: 'POST', body: form });
  assert.equal(answer.status, 200, await answer.text());
}

export async function addVersion(esa, name, code = 'export default {}') {
  const place = await call(esa, 'GetRoutineStagingCodeUploadInfo', { name, codeDescription: 'ü' });
  await upload(place.ossPostConfig, code);
  return (await call(esa, 'CommitRoutineStagingCode', { name, codeDescription: 'ü' })).codeVersion;
}

export function deploy(esa, name, env, shares) {
  const codeVersions = Object.entries(shares).map(([codeVersion, percentage]) =>
    new models.CreateRoutineCodeDeploymentRequestCodeVersions({ codeVersion, percentage }));
  return call(esa, 'CreateRoutineCodeDeployment', {
    name, env, strategy: 'percentage', codeVersions,
  });
}

// One request to the data plane: its status and its body. (`fetch` sets no Host.)
export function ask(address, host, target = '/', fields = {}) {
  const [hostname, port] = address.split(':');
  return new Promise((resolve, reject) => {
    http.get({ hostname, port, path: target, agent, headers: { host, ...fields } }, (answer) => {
      const octets = [];
      answer.on('data', (some) => octets.push(some));
      answer.on('end', () => resolve([answer.statusCode, Buffer.concat(octets).toString()]));
    }).on('error', reject);
  });
}

const agent = new http.Agent({ keepAlive: true, maxSockets: 4 });

// The version that each of 1,000 users meets.
export async function visits(address, host) {
  const met = {};
  await Promise.all(Array.from({ length: 1000 }, async (_, number) => {
    const [status, body] = await ask(address, host, '/', { 'x-serin-key': `user-${number}` });
    assert.equal(status, 200, body);
    met[`user-${number}`] = JSON.parse(body).version;
  }));
  return met;
}
