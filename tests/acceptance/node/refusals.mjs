// Signatures and refusals, as the Node SDK makes and tells them, where there are keys.
import assert from 'node:assert/strict';
import { addVersion, call, client, deploy, refused } from './support.mjs';

const V1 = { signatureAlgorithm: 'v2' };

export async function a_signed_call_is_taken_whatever_it_says(serin) {
  for (const [name, more] of [['node-v3', {}], ['node-v1', V1]]) {
    const esa = client(serin, more);
    const description = "te st*'(ü)~ a+b=c&d%20!";
    await call(esa, 'CreateRoutine', { name, description });
    assert.equal((await call(esa, 'GetRoutine', { name })).description, description);
    assert.deepEqual((await call(esa, 'ListUserRoutines', { searchKeyWord: description })).routines, []);
    const version = await addVersion(esa, name);
    await deploy(esa, name, 'production', { [version]: 100 });
  }
}

export async function a_temporary_key_s_token_is_signed_too(serin) {
  for (const more of [{}, V1]) {
    const esa = client(serin, { securityToken: 'CAIS+token/==', ...more });
    assert.equal((await call(esa, 'ListUserRoutines')).pageNumber, 1);
  }
}

export async function a_wrong_secret_is_told_what_the_server_signed(serin) {
  for (const [more, begins] of [[{}, 'ACS3-HMAC-SHA256\n'], [V1, 'POST&%2F&AccessKeyId%3Dtestid']]) {
    const esa = client(serin, { accessKeySecret: 'wrong', ...more });
    const error = await refused(call(esa, 'ListUserRoutines'), 'SignatureDoesNotMatch');
    const [, told] = error.message.split('server string to sign is:');
    assert.ok(told.startsWith(begins), error.message);
  }
}

export async function a_key_that_is_unknown_is_not_found(serin) {
  const esa = client(serin, { accessKeyId: 'nobody' });
  await refused(call(esa, 'ListUserRoutines'), 'InvalidAccessKeyId.NotFound',
    'Specified access key is not found.', 404);
}

export async function a_key_that_may_only_look_changes_nothing(serin) {
  const esa = client(serin, { accessKeyId: 'watcher', accessKeySecret: 'only-looking' });
  await call(esa, 'ListUserRoutines');
  await refused(call(esa, 'CreateRoutine', { name: 'never-made' }), 'Forbidden.RAM',
    "User not authorized to operate on the specified resource, or this API doesn't support RAM.", 403);
}

export async function a_clock_that_is_off_is_expired(serin) {
  const RealDate = globalThis.Date;
  globalThis.Date = class extends RealDate {
    constructor(...parts) {
      if (parts.length) super(...parts);
      else super(RealDate.now() - 16 * 60 * 1000);
    }
  };
  try {
    await refused(call(client(serin), 'ListUserRoutines'), 'InvalidTimeStamp.Expired',
      'Specified time stamp or date value is expired.');
  } finally {
    globalThis.Date = RealDate;
  }
}

export async function each_documented_refusal_is_an_error_with_its_code(serin) {
  const esa = client(serin);
  const name = 'node-refused';
  await call(esa, 'CreateRoutine', { name });
  const first = await addVersion(esa, name);
  const second = await addVersion(esa, name);
  await deploy(esa, name, 'production', { [first]: 90, [second]: 10 });

  await refused(call(esa, 'CreateRoutine', { name }), 'RoutineAlreadyExist',
    'The routine name already exists.');
  await refused(call(esa, 'CreateRoutine', { name: 'Upper' }), 'InvalidParameter',
    'The specified parameter is invalid.');
  await refused(call(esa, 'CreateRoutine', {}), 'ParameterNotExist',
    'The specified parameter does not exist. Check your configurations and try again.');
  await refused(call(esa, 'GetRoutine', { name: 'nobody' }), 'RoutineNotExist',
    'The routine name does not exist. Check the routine name and try again.');
  await refused(deploy(esa, name, 'production', { [first]: 90, [second]: 11 }), 'InvalidParameter',
    'Parameter verification failed. Check your configurations and try again.');
  await refused(call(esa, 'DeleteRoutineCodeVersion', { name, codeVersion: first }), 'DependedByOthers',
    'Failed to call the service. Try again later or contact technical support.');
  await refused(call(esa, 'GetEdgeContainerApp', { appId: 'app-111111111111111111' }), 'InvalidApp.NotFound',
    'The application does not exist. Check whether the application ID you specified is correct and try again.', 404);
  await refused(call(esa, 'GetEdgeContainerApp', { appId: 'storefront' }), 'InvalidParameter.appid');
}
