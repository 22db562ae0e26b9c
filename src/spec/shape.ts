import type * as z from 'zod';

/** Any schema, with its kind and parts. */
export type Shape = z.core.$ZodTypes;

/** The schema inside of `optional`, `default` and the like. */
export function shapeOf(schema: z.core.$ZodType): Shape {
  const shape = schema as Shape;
  const { def } = shape._zod;
  switch (def.type) {
    case 'optional':
    case 'nullable':
    case 'default':
    case 'prefault':
    case 'readonly':
    case 'nonoptional':
      return shapeOf(def.innerType);
    default:
      return shape;
  }
}

/** The schema of each key of a mapping; none for a record, whose keys are free. */
export function fieldsOf(shape: Shape): ReadonlyMap<string, z.core.$ZodType> {
  const { def } = shape._zod;
  if (def.type !== 'object') return NO_FIELDS;
  const known = fields.get(def);
  if (known !== undefined) return known;
  const found = new Map(Object.entries(def.shape));
  fields.set(def, found);
  return found;
}

const NO_FIELDS: ReadonlyMap<string, z.core.$ZodType> = new Map();
// Cached, because a spec with 10,000 mistakes asks for the same few mappings 10,000 times.
const fields = new WeakMap<object, ReadonlyMap<string, z.core.$ZodType>>();

export function isOptional(schema: z.core.$ZodType): boolean {
  return schema._zod.optin === 'optional';
}

/** The schema at the end of a path. At a union on the way, the value decides which alternative is followed. */
export function shapeAt(schema: z.core.$ZodType, path: readonly PropertyKey[], value: unknown): Shape | undefined {
  let shape: Shape | undefined = shapeOf(schema);
  let here = value;
  for (const step of path) {
    const branches: Shape[] = shape === undefined ? [] : branchesFor(shape, here);
    shape = branches[0] && below(branches[0], step);
    here = childOf(here, step);
  }
  return shape;
}

function below(shape: Shape, step: PropertyKey): Shape | undefined {
  const { def } = shape._zod;
  if (def.type === 'array') return shapeOf(def.element);
  if (def.type === 'record') return shapeOf(def.valueType);
  const field = fieldsOf(shape).get(String(step));
  return field && shapeOf(field);
}

export function childOf(value: unknown, step: PropertyKey): unknown {
  return isMapping(value) || Array.isArray(value) ? Reflect.get(value, step) : undefined;
}

export function isMapping(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** All alternatives of a schema; itself where it is not a union. */
export function alternativesOf(shape: Shape): Shape[] {
  const { def } = shape._zod;
  return def.type === 'union' ? def.options.flatMap((option) => alternativesOf(shapeOf(option))) : [shape];
}

/**
 * The alternatives that a value was probably meant for: those of its type, and of mappings those that share the most
 * keys with it. A mistake is then reported for that alternative, and not as a failure to match any.
 */
export function branchesFor(shape: Shape, value: unknown): Shape[] {
  const fitting = alternativesOf(shape).filter((branch) => acceptsType(branch, value));
  if (!isMapping(value) || fitting.length < 2) return fitting;
  const shared = fitting.map(
    (branch) => [...fieldsOf(branch).keys()].filter((key) => Object.hasOwn(value, key)).length,
  );
  const most = Math.max(...shared);
  return fitting.filter((_, index) => shared[index] === most);
}

function acceptsType(shape: Shape, value: unknown): boolean {
  const { def } = shape._zod;
  switch (def.type) {
    case 'string':
      return typeof value === 'string';
    case 'number':
      return typeof value === 'number';
    case 'boolean':
      return typeof value === 'boolean';
    case 'array':
      return Array.isArray(value);
    case 'object':
    case 'record':
      return isMapping(value);
    case 'literal':
    case 'enum':
      return constantsOf(shape).includes(value);
    default:
      return true;
  }
}

/** The values that a literal or an enumeration consists of. */
export function constantsOf(shape: Shape): unknown[] {
  const { def } = shape._zod;
  if (def.type === 'literal') return [...def.values];
  return def.type === 'enum' ? Object.values(def.entries) : [];
}
