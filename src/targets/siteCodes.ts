import { defineCodes, error } from '../diagnostics/codes.ts';

/** What every engine that has sites for domain rewrites may have to say about them. */
export const siteCodes = defineCodes('site', {
  wildcard: error(
    '{engine} can have no site for the wildcard "*.{from}": each name needs its own Host and certificate name',
  ).hint('list the names one by one, or leave out upstream, so that only DNS is rewritten'),
  twice: error('"{name}" already stands for "{from}", and one site of {engine} cannot be two').hint(
    'give each name its own, or leave out upstream, so that only DNS is rewritten',
  ),
  port: error('the sites of the domain rewrites listen on port {port}, as proxy "{proxy}" does').hint(
    'choose another port in targets.{engine}.sites.listen or in the proxy',
  ),
});
