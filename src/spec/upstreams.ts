import * as z from 'zod';
import { duration, headerName, identifier } from './scalars.ts';

const upstream = z
  .strictObject({
    url: z.string().min(1).describe('Origin only, such as https://gitlab.example.com; https verifies the certificate'),
    servers: z
      .array(z.string().min(1))
      .min(1)
      .optional()
      .describe('Pool of host:port behind that name; the name itself where absent'),
    tokenHeader: headerName
      .optional()
      .describe('Request header that carries the upstream token; PRIVATE-TOKEN where absent'),
    tls: z
      .strictObject({
        serverName: z
          .string()
          .min(1)
          .optional()
          .describe('Name in SNI and in the certificate; the host of the url where absent'),
        caFile: z.string().min(1).optional().describe('PEM bundle, a path on the machine that runs the proxy'),
        insecureSkipVerify: z
          .boolean()
          .optional()
          .describe('Accept any certificate; refused where a token is injected'),
      })
      .optional()
      .describe('How the upstream certificate is verified'),
    timeouts: z
      .strictObject({
        connect: duration.optional().describe('5s where absent'),
        read: duration.optional().describe('Longest silence of the upstream; 60s where absent'),
        send: duration.optional().describe('Longest pause while sending; 60s where absent'),
      })
      .optional()
      .describe('Upstream timeouts'),
  })
  .describe('A server that requests are forwarded to');

export const upstreams = z.record(identifier, upstream).describe('Servers that requests are forwarded to');
