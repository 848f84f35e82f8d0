// Whole lives, driven by the Node SDK.
import assert from 'node:assert/strict';
import { addVersion, ask, call, client, deploy, models, visits } from './support.mjs';

export async function a_routine_lives_from_its_creation_to_its_deletion(serin) {
  const esa = client(serin);
  const name = 'node-life';
  const host = `${name}.localhost`;
  const made = await call(esa, 'CreateRoutine', { name, description: "te st*'(ü)~", hasAssets: false });
  assert.equal(made.status, 'OK');
  const first = await addVersion(esa, name);
  const second = await addVersion(esa, name);
  assert.match(second, /^\d{19}$/);

  const told = await deploy(esa, name, 'staging', { [first]: 90, [second]: 10 });
  assert.match(told.deploymentId, /^\d+$/);
  const staged = await visits(serin.staging, host);
  await call(esa, 'PublishRoutineCodeVersion', { name, env: 'production', codeVersion: first });
  await deploy(esa, name, 'production', { [first]: 50, [second]: 50 });
  const half = await visits(serin.production, host);
  await deploy(esa, name, 'production', { [second]: 100 });
  assert.deepEqual(new Set(Object.values(await visits(serin.production, host))), new Set([second]));
  await deploy(esa, name, 'production', { [first]: 100 });
  assert.deepEqual(new Set(Object.values(await visits(serin.production, host))), new Set([first]));

  const routine = await call(esa, 'GetRoutine', { name });
  assert.equal(routine.description, "te st*'(ü)~");
  const live = Object.fromEntries(routine.envs.map((it) => [it.env, it.codeDeploy.codeVersions]));
  assert.equal(live.staging.length, 2);
  assert.deepEqual(live.production.map((it) => [it.codeVersion, it.percentage]), [[first, 100]]);

  assert.equal((await call(esa, 'DeleteRoutine', { name })).status, 'OK');
  assert.equal((await ask(serin.production, host))[0], 404);
  return { split: [
    { kind: 'routine', name, shares: { [first]: 90, [second]: 10 }, met: staged },
    { kind: 'routine', name, shares: { [first]: 50, [second]: 50 }, met: half },
  ] };
}

export async function an_app_lives_from_its_creation_to_its_end(serin) {
  const esa = client(serin);
  const name = 'node-app-life';
  const host = `${name}.localhost`;
  const app = { name, servicePort: 80, targetPort: 8080 };
  const { appId } = await call(esa, 'CreateEdgeContainerApp', app);
  const containers = [new models.CreateEdgeContainerAppVersionRequestContainers({
    name: 'web', image: 'web:1', isACRImage: false, spec: '1C2G', storage: '10G', probeType: 'httpGet',
    probeContent: new models.CreateEdgeContainerAppVersionRequestContainersProbeContent({ path: '/', port: 80 }),
  })];
  const release = async (it) =>
    (await call(esa, 'CreateEdgeContainerAppVersion', { appId, name: it, containers })).versionId;
  const [first, second] = [await release('release-1'), await release('release-2')];
  const publish = (versionId, more) =>
    call(esa, 'PublishEdgeContainerAppVersion', { appId, versionId, publishEnv: 'prod', ...more });
  await publish(first);
  await publish(second, { percentage: 10 });
  const met = await visits(serin.production, host);
  const status = async () =>
    (await call(esa, 'GetEdgeContainerAppStatus', { appId, publishEnv: 'prod' })).appStatus;
  assert.equal((await status()).publishPercentage, 10);
  await publish(second, { publishType: 'region', regions: ['jiangsu'], fullRelease: false });
  assert.deepEqual((await status()).regions.region, ['jiangsu']);
  await call(esa, 'RollbackEdgeContainerAppVersion', { appId, versionId: first, usedPercent: false });
  assert.equal((await status()).publishStatus, 'rollbacked');
  assert.equal((await call(esa, 'ListEdgeContainerApps', { pageNumber: 1, pageSize: 20 })).apps.length, 1);
  assert.equal((await call(esa, 'ListEdgeContainerAppVersions', { appId })).totalCount, 2);
  await call(esa, 'DeleteEdgeContainerApp', { appId });
  assert.equal((await ask(serin.production, host))[0], 404);
  return { split: [{ kind: 'container', name: appId, shares: { [first]: 90, [second]: 10 }, met }] };
}

export async function routines_are_listed_and_an_unset_parameter_is_absent(serin) {
  const esa = client(serin);
  for (const number of [1, 2, 3]) await call(esa, 'CreateRoutine', { name: `node-listed-${number}` });
  const listed = await call(esa, 'ListUserRoutines', { pageSize: 2, searchKeyWord: 'node-listed-' });
  assert.deepEqual([listed.totalCount, listed.pageNumber, listed.routines.length], [3, 1, 2]);
  assert.deepEqual((await call(esa, 'ListUserRoutines', { searchKeyWord: "te st*'(ü)~" })).routines, []);
}
