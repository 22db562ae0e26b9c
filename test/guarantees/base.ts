/** What others than the team have in a spec: groups and keys without an envelope, which no team may touch. */
export const BASE = `version: 1
fragment: true
routes:
  read: { upstream: up, allow: ["GET /r/{x}"] }
  admin: { upstream: vault, allow: ["GET,DELETE /admin/{x}"] }
apiKeys:
  reader: { key: env:READER, token: env:T_READER, routes: [read], ipRanges: ["@office"] }
  admin: { key: env:ADMIN, token: env:T_ADMIN, routes: [admin], ipRanges: [10.2.0.7] }
`;
