import { defineCodes, error, warning } from '../../diagnostics/codes.ts';

export const kubernetesCodes = defineCodes('kubernetes', {
  'no-engine': error('there are no files of {engine} for the pods').hint(
    'write targets.{engine}: { writable: /run/postern, accessLog: stdout } and a proxy',
  ),
  'not-writable': error('{engine} would write beside its files, and those of a pod cannot be written to').hint(
    'write writable: {folder} under targets.{engine}',
  ),
  'log-in-pod': error('{engine} would log to a file in its pod, which is evicted when its folder is full').hint(
    'write accessLog: stdout under targets.{engine}',
  ),
  sites: error('{engine} would serve the sites of domain rewrites too, and no Service leads to those').hint(
    'keep rewrites with an upstream in a spec of their own',
  ),
  'bad-name': error('"{name}" is no name for a Service, which starts with a letter').hint('give the spec another name'),
  'too-large': error('the files of the proxies have {bytes} bytes, and a ConfigMap takes {limit}').hint(
    'split the spec over several, each with a part of the routes or keys',
  ),
  'address-mode': error('proxy "{proxy}" takes the client address from {has}, and "{mode}" gives it by {gives}').hint(
    '{hint}',
  ),
  'no-health': error('proxy "{proxy}" does not say whether it is alive').hint('write health: /healthz there'),
  'narrow-health': error('the kubelet may not ask proxy "{proxy}" whether it is alive').hint(
    'take "from" out of health: it comes from the address of its node',
  ),
  'listen-address': error('proxy "{proxy}" listens on {address} alone, where nobody reaches a pod').hint(
    'write the port alone',
  ),
  'low-port': error('proxy "{proxy}" listens on {port}, which only root may').hint(
    'write 8080; the Service has its own',
  ),
  'certificate-file': error('proxy "{proxy}" reads {file}, and nothing puts it into the pod').hint(
    'end TLS at the load balancer, or take the proxy out and add a volume in an overlay',
  ),
  'no-such-balancer': error('load balancers of {provider} do not send the PROXY protocol').hint(
    'write clientAddress: localTrafficPolicy',
  ),
  'no-such-image': warning(
    'the digest of the image is only there to be replaced, and pods would wait for it for ever',
  ).hint('write the digest that "crane digest {name}:TAG" prints'),
  'rate-per-pod': warning(
    'key "{key}" may send {rate} to each pod, so up to {most} with {pods} of them: pods do not count together',
  ).hint('write a rate that is right when multiplied, or fewer pods'),
});
