// A Matrix client with the crypto that Element runs, which trusts only devices that their owner has signed.
// It is steered by JSON lines on stdin and answers each with one JSON line on stdout.
import { createInterface } from "node:readline";

// The library talks to the console, where only answers may stand.
for (const name of ["log", "info", "debug", "warn", "trace"]) console[name] = () => {};
const quiet = { trace() {}, debug() {}, info() {}, warn() {}, error() {}, getChild: () => quiet };

const sdk = await import("matrix-js-sdk");
const cryptoApi = await import("matrix-js-sdk/lib/crypto-api/index.js");
const { logger } = await import("matrix-js-sdk/lib/logger.js");
logger.setLevel?.("silent");

let client, crypto;
const told = new Set(); // events that `read` has given already

// Give what `look` finds as soon as it finds something: again after each sync, event and decryption.
function when(look) {
  return new Promise((resolve, reject) => {
    const names = ["sync", "Room.timeline", "Event.decrypted", "Room.myMembership", "RoomState.events"];
    const again = () => {
      try {
        const found = look();
        if (!found) return;
        for (const name of names) client.off(name, again);
        resolve(found);
      } catch (error) {
        reject(error);
      }
    };
    for (const name of names) client.on(name, again);
    again();
  });
}

const joined = (room) => client.getRoom(room)?.getMyMembership() === "join" && client.getRoom(room);

// Take over the identity of this person's first device, as a recovery key does, and sign this device with it.
async function takeOver(identity) {
  const machine = crypto.olmMachine;
  await crypto.userHasCrossSigningKeys(client.getUserId(), true);
  await machine.importCrossSigningKeys(identity.master, identity.selfSigning, identity.userSigning);
  const device = await machine.getDevice(machine.userId, machine.deviceId);
  await crypto.outgoingRequestProcessor.makeOutgoingRequest(await device.verify());
}

const acts = {
  // A new device of an account. `identity` is what `login` of an earlier device of it has given.
  async login({ homeserver, user, password, identity }) {
    const auth = { type: "m.login.password", identifier: { type: "m.id.user", user }, password };
    const login = await sdk.createClient({ baseUrl: homeserver, logger: quiet }).loginRequest(auth);
    client = sdk.createClient({
      baseUrl: homeserver, userId: login.user_id, deviceId: login.device_id, accessToken: login.access_token,
      logger: quiet, cryptoCallbacks: {},
    });
    await client.initRustCrypto({ useIndexedDB: false });
    crypto = client.getCrypto();
    crypto.setDeviceIsolationMode(new cryptoApi.OnlySignedDevicesIsolationMode());
    const prepared = new Promise((resolve) => client.once("sync", resolve));
    await client.startClient({ initialSyncLimit: 30 });
    await prepared;
    if (identity) await takeOver(identity);
    else await crypto.bootstrapCrossSigning({ authUploadDeviceSigningKeys: async (make) => { await make(auth); } });
    const keys = await crypto.olmMachine.exportCrossSigningKeys();
    const [master, selfSigning, userSigning] = [keys.masterKey, keys.self_signing_key, keys.userSigningKey];
    return { user: login.user_id, device: login.device_id, identity: { master, selfSigning, userSigning } };
  },

  async make_room({ invite = [], encrypted = true, name = "" }) {
    const state = encrypted
      ? [{ type: "m.room.encryption", state_key: "", content: { algorithm: "m.megolm.v1.aes-sha2" } }] : [];
    const { room_id: room } = await client.createRoom({ preset: "private_chat", invite, initial_state: state, ...(name && { name }) });
    await when(() => joined(room));
    return { room };
  },

  async join({ room }) {
    await client.joinRoom(room);
    await when(() => joined(room));
    return {};
  },

  // Wait until somebody is in a room.
  async meet({ room, user }) {
    await when(() => joined(room)?.getMember(user)?.membership === "join");
    return {};
  },

  async send({ room, text, thread }) {
    await when(() => joined(room));
    const relation = thread ? { "m.relates_to": { rel_type: "m.thread", event_id: thread } } : {};
    const content = { msgtype: "m.text", body: text, ...relation };
    return { event: (await client.sendEvent(room, null, "m.room.message", content)).event_id };
  },

  // The next message of somebody that was not given yet, once it could be read or is known to be unreadable; with
  // `patient` once it could be read.
  async read({ room, sender, patient = false }) {
    const event = await when(() => joined(room)?.getLiveTimeline().getEvents().find((one) =>
      one.getSender() === sender && !told.has(one.getId()) && !one.isBeingDecrypted() &&
      (one.isDecryptionFailure() ? !patient : one.getType() === "m.room.message")));
    told.add(event.getId());
    const info = await crypto.getEncryptionInfoForEvent(event);
    return {
      event: event.getId(), text: event.getContent().body ?? "", wire: event.getWireType(),
      failure: event.isDecryptionFailure() ? String(event.decryptionFailureReason) : "",
      shield: info ? cryptoApi.EventShieldColour[info.shieldColour] : "",
      reason: info?.shieldReason == null ? "" : cryptoApi.EventShieldReason[info.shieldReason],
    };
  },

  // Somebody's devices, and whether their owner has signed each.
  async devices({ user }) {
    const found = (await crypto.getUserDeviceInfo([user], true)).get(user) ?? new Map();
    const devices = {};
    for (const id of found.keys()) devices[id] = (await crypto.getDeviceVerificationStatus(user, id)).signedByOwner;
    return { devices };
  },

  // Have this person's identity sign another device of the same account, as /verify does in Element.
  async vouch({ device }) {
    await crypto.getUserDeviceInfo([client.getUserId()], true);
    await crypto.crossSignDevice(device);
    return {};
  },

  async close() {
    client?.stopClient();
    return {};
  },
};

for await (const line of createInterface({ input: process.stdin })) {
  const { act, ...given } = JSON.parse(line);
  let answer;
  try {
    answer = await acts[act](given);
  } catch (error) {
    answer = { error: String(error?.stack ?? error) };
  }
  process.stdout.write(JSON.stringify(answer) + "\n");
  if (act === "close") break;
}
process.exit(0);
