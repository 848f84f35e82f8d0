// The V1 core for Node, by GET and by POST, where there are keys.
import assert from 'node:assert/strict';
import { RPCClient, ask } from './support.mjs';

const METHODS = ['GET', 'POST'];

function pop(serin, more = {}) {
  return new RPCClient({
    accessKeyId: 'testid', accessKeySecret: 'testsecret', endpoint: `http://${serin.admin}`,
    apiVersion: '2024-09-10', ...more,
  });
}

async function refused(promise, code, message) {
  const error = await promise.then(() => assert.fail('it was not refused'), (it) => it);
  assert.equal(error.code, code, error.stack);
  if (message !== undefined) assert.equal(error.data.Message, message);
  assert.ok(error.data.RequestId && error.data.HostId);
  return error;
}

export async function a_routine_lives_by_get_and_by_post(serin) {
  for (const method of METHODS) {
    const name = `pop-${method.toLowerCase()}`;
    const run = (action, params) => pop(serin).request(action, params, { method });
    const Description = "te st*'(ü)~ a+b=c&d%20!";
    assert.equal((await run('CreateRoutine', { Name: name, Description, HasAssets: false })).Status, 'OK');
    assert.equal((await run('GetRoutine', { Name: name })).Description, Description);
    const place = await run('GetRoutineStagingCodeUploadInfo', { Name: name });
    const form = new FormData();
    for (const [key, value] of Object.entries(place.OssPostConfig)) {
      if (key !== 'Url') form.append(key, value);
    }
    form.append('file', new Blob(['export default {}']));
    assert.equal((await fetch(place.OssPostConfig.Url, { method: 'POST', body: form })).status, 200);
    const { CodeVersion } = await run('CommitRoutineStagingCode', { Name: name });
    const deployed = await run('CreateRoutineCodeDeployment', {
      Name: name, Env: 'production', Strategy: 'percentage',
      CodeVersions: JSON.stringify([{ CodeVersion, Percentage: 100 }]),
    });
    assert.equal(typeof deployed.DeploymentId, 'string');
    assert.equal(JSON.parse((await ask(serin.production, `${name}.localhost`))[1]).version, CodeVersion);
    assert.equal((await run('DeleteRoutine', { Name: name })).Status, 'OK');
  }
}

export async function a_temporary_key_s_token_is_a_parameter(serin) {
  for (const method of METHODS) {
    const esa = pop(serin, { securityToken: 'CAIS+token/==' });
    assert.equal((await esa.request('ListUserRoutines', {}, { method })).PageNumber, 1);
  }
}

export async function who_is_not_known_is_refused(serin) {
  for (const method of METHODS) {
    const list = (more, params = {}) => pop(serin, more).request('ListUserRoutines', params, { method });
    const mismatch = await refused(list({ accessKeySecret: 'wrong' }), 'SignatureDoesNotMatch');
    assert.ok(mismatch.data.Message.includes(`server string to sign is:${method}&%2F&`));
    await refused(list({ accessKeyId: 'nobody' }), 'InvalidAccessKeyId.NotFound',
      'Specified access key is not found.');
    await refused(list({}, { Timestamp: '2020-01-01T00:00:00Z' }), 'InvalidTimeStamp.Expired',
      'Specified time stamp or date value is expired.');
    await refused(list({}, { Timestamp: 'yesterday' }), 'InvalidTimeStamp.Format',
      'Specified time stamp or date value is not well formatted.');
    const once = { SignatureNonce: `pop-once-${method}` };
    await list({}, once);
    await refused(list({}, once), 'SignatureNonceUsed', 'Specified signature nonce was used already.');
    const watcher = pop(serin, { accessKeyId: 'watcher', accessKeySecret: 'only-looking' });
    await refused(watcher.request('CreateRoutine', { Name: 'never-made' }, { method }), 'Forbidden.RAM');
  }
}
