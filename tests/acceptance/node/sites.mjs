// Sites, records and routes, driven by the Node SDK.
import assert from 'node:assert/strict';
import { addVersion, ask, byHand, call, client } from './support.mjs';

const siteId = 1001;

async function served(esa, name) {
  await call(esa, 'CreateRoutine', { name });
  const codeVersion = await addVersion(esa, name);
  await call(esa, 'PublishRoutineCodeVersion', { name, env: 'production', codeVersion });
  return codeVersion;
}

async function answer(serin, host, target = '/') {
  const [status, body] = await ask(serin.production, host, target);
  assert.equal(status, 200, body);
  return body === 'origin' ? body : JSON.parse(body).version;
}

export async function a_site_is_found_by_a_host_under_it(serin) {
  const esa = client(serin);
  const { sites } = await call(esa, 'ListSites', { siteSearchType: 'fuzzy', status: 'active', pageSize: 500 });
  assert.deepEqual(sites.map((it) => [it.siteId, it.siteName]), [[siteId, 'example.com']]);
  // The SDK has no method for it.
  const match = await byHand(esa, 'GetMatchSite', { RecordName: 'www.example.com' });
  assert.deepEqual([match.SiteId, match.SiteName], [siteId, 'example.com']);
}

export async function a_record_leads_its_host_to_the_routine(serin) {
  const esa = client(serin);
  const version = await served(esa, 'node-record');
  const record = { name: 'node-record', siteId, recordName: 'node-record.example.com' };
  const { recordId } = await call(esa, 'CreateRoutineRelatedRecord', record);
  assert.equal(await answer(serin, record.recordName), version);
  const listed = await call(esa, 'ListRoutineRelatedRecords', { name: 'node-record' });
  assert.deepEqual(listed.relatedRecords.map((it) => it.recordId), [recordId]);
  await call(esa, 'DeleteRoutineRelatedRecord', { ...record, recordId });
  assert.equal(await answer(serin, record.recordName), 'origin');
}

export async function a_route_takes_what_its_rule_matches(serin) {
  const esa = client(serin);
  const version = await served(esa, 'node-route');
  const host = 'node-route.example.com';
  const { configId } = await call(esa, 'CreateRoutineRoute', {
    siteId, routineName: 'node-route', routeName: 'api', routeEnable: 'on', bypass: 'off',
    rule: `(http.host eq "${host}" and starts_with(http.request.uri.path, "/api/"))`,
  });
  assert.equal(await answer(serin, host, '/api/users'), version);
  assert.equal(await answer(serin, host, '/'), 'origin');
  const { configs } = await call(esa, 'ListRoutineRoutes', { routineName: 'node-route' });
  assert.deepEqual(configs.map((it) => [it.configId, it.siteName, it.mode]), [[configId, 'example.com', 'simple']]);
  await call(esa, 'UpdateRoutineRoute', { siteId, configId, bypass: 'on' });
  assert.equal(await answer(serin, host, '/api/users'), 'origin');
  await call(esa, 'UpdateRoutineRoute', { siteId, configId, routeEnable: 'off' });
  assert.equal(await answer(serin, host, '/api/users'), 'origin');
  await call(esa, 'DeleteRoutineRoute', { siteId, configId });
}
