// A person's client with the encryption that Element has, which takes part only where every device is signed by its
// account. One command a line comes in as JSON, one answer a line goes out, each with the command's number.
import { createInterface } from "node:readline";
import { createClient } from "matrix-js-sdk";
import { decodeRecoveryKey } from "matrix-js-sdk/lib/crypto-api/recovery-key.js";
import { OnlySignedDevicesIsolationMode, AllDevicesIsolationMode } from "matrix-js-sdk/lib/crypto-api/index.js";

const out = (value) => process.stdout.write(JSON.stringify(value) + "\n");
for (const name of ["log", "info", "debug", "warn", "error", "trace"]) console[name] = () => {};
const quiet = { trace() {}, debug() {}, info() {}, warn() {}, error() {}, getChild: () => quiet };

let client, crypto;
const seen = new Map(); // by event id: what this person's program shows of it
const waiting = new Map();


async function shownOf(event) {
    if (event.isDecryptionFailure()) return { failure: String(event.decryptionFailureReason) };
    if (event.getType() !== "m.room.message") return null;
    const about = event.isEncrypted() ? await crypto.getEncryptionInfoForEvent(event) : null;
    const shield = about ? { colour: about.shieldColour, reason: about.shieldReason } : null;
    return { body: event.getContent().body, isEncrypted: event.isEncrypted(), shield };
}

async function note(event) {
    const id = event.getId();
    if (event.isBeingDecrypted()) await event.getDecryptionPromise();
    const shown = await shownOf(event);
    if (!shown) return;
    seen.set(id, shown);
    for (const done of waiting.get(id) ?? []) done(shown);
}

const acts = {
    // Without `recovery` the account gets an identity, kept on the server under the recovery key that is answered; with
    // it, this device is signed by that identity, as by somebody who types the key in.
    async login({ url, user, password, strict, recovery }) {
        const login = { type: "m.login.password", identifier: { type: "m.id.user", user }, password };
        let key = recovery ? decodeRecoveryKey(recovery) : null;
        const made = await createClient({ baseUrl: url, logger: quiet }).loginRequest(login);
        client = createClient({
            baseUrl: url,
            userId: made.user_id,
            deviceId: made.device_id,
            accessToken: made.access_token,
            logger: quiet,
            cryptoCallbacks: { getSecretStorageKey: async ({ keys }) => [Object.keys(keys)[0], key] },
        });
        await client.initRustCrypto({ useIndexedDB: false });
        crypto = client.getCrypto();
        crypto.setDeviceIsolationMode(
            strict ? new OnlySignedDevicesIsolationMode() : new AllDevicesIsolationMode(false),
        );
        client.on("Room.timeline", (event) => {
            event.on("Event.decrypted", () => note(event));
            note(event);
        });
        const synced = new Promise((done) => client.on("sync", (state) => state === "PREPARED" && done()));
        await client.startClient({ initialSyncLimit: 20 });
        await synced;
        await crypto.userHasCrossSigningKeys(made.user_id, true); // it must know the identity before it takes its keys
        await crypto.bootstrapCrossSigning({ authUploadDeviceSigningKeys: async (make) => make({ ...login }) });
        if (!recovery) {
            const made = await crypto.createRecoveryKeyFromPassphrase();
            key = made.privateKey;
            recovery = made.encodedPrivateKey;
            await crypto.bootstrapSecretStorage({ createSecretStorageKey: async () => made });
        }
        return { device: made.device_id, recovery };
    },
    async make({ invite, encrypted }) {
        const content = { algorithm: "m.megolm.v1.aes-sha2" };
        const state = encrypted ? [{ type: "m.room.encryption", state_key: "", content }] : [];
        const made = await client.createRoom({ preset: "private_chat", invite, initial_state: state });
        return { room: made.room_id };
    },
    async sees({ room, member }) {
        const there = () => client.getRoom(room)?.getMember(member)?.membership === "join";
        if (!there()) {
            await new Promise((done) => client.on("RoomState.members", () => there() && done()));
        }
        return {};
    },
    async send({ room, text }) {
        const made = await client.sendEvent(room, "m.room.message", { msgtype: "m.text", body: text });
        return { event: made.event_id };
    },
    async read({ event, readable }) {
        const fits = (shown) => shown && (!readable || shown.body !== undefined);
        if (!fits(seen.get(event))) {
            await new Promise((done) => {
                waiting.set(event, [...(waiting.get(event) ?? []), (shown) => fits(shown) && done()]);
            });
        }
        return seen.get(event);
    },
    async trust({ user, device }) {
        await crypto.getUserDeviceInfo([user], true);
        const status = await crypto.getDeviceVerificationStatus(user, device);
        return { isSigned: status?.signedByOwner ?? null };
    },
    async end() {
        client?.stopClient();
        return {};
    },
};

for await (const line of createInterface({ input: process.stdin })) {
    const { number, act, ...given } = JSON.parse(line);
    acts[act](given)
        .then((said) => out({ number, ...said }))
        .catch((error) => out({ number, error: String(error?.message ?? error) }))
        .then(() => act === "end" && process.exit(0));
}
