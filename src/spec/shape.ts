import type * as z from 'zod';

/** Any schema, by what it is made of. */
export type Shape = z.core.$ZodTypes;

/** A schema without what only says that it may be absent. */
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

/** The keys that a mapping may have, with their schemas; none where any name may stand. */
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
// A spec may have as many mistakes as it has lines, and all of them ask for the same few mappings.
const fields = new WeakMap<object, ReadonlyMap<string, z.core.$ZodType>>();

export function isOptional(schema: z.core.$ZodType): boolean {
  return schema._zod.optin === 'optional';
}

/** The schema below one step of a path, which the value there chooses where there are several. */
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
 * The alternatives that a value was meant for: those of its type, of mappings the ones that share most keys
 * with it. So a mistake is told as one of that alternative, and not as failing all of them.
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
