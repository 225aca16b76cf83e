// The package as a user imports it, once per WebAssembly build.
import type * as Convscope from "convscope";
import type * as Onnx from "convscope/onnx";

export type Package = typeof Convscope;
export type PackageWithOnnx = Package & typeof Onnx;
export type Build = Convscope.Build;

// f32x4.relaxed_madd in a function of its own, by the WebAssembly specification.
const relaxedModule = new Uint8Array([
  0, 97, 115, 109, 1, 0, 0, 0, 1, 4, 1, 96, 0, 0, 3, 2, 1, 0, 10, 20, 1, 18, 0, 65, 0, 253, 15, 65,
  0, 253, 15, 65, 0, 253, 15, 253, 133, 2, 26, 11,
]);

/** The builds that this engine can run. */
export const builds: readonly Build[] = WebAssembly.validate(relaxedModule)
  ? ["simd", "relaxed"]
  : ["simd"];

/** A copy of the package that nobody has initialised: what follows the "?" makes it a module of its own. */
export async function fresh(name: string): Promise<Package> {
  return (await import(`${import.meta.resolve("convscope")}?${name}`)) as Package;
}

/** The package and convscope/onnx beside it, which knows no copies: with the build that is everywhere. */
export async function loadWithOnnx(): Promise<PackageWithOnnx> {
  const [cs, onnx] = await Promise.all([import("convscope"), import("convscope/onnx")]);
  await cs.init({ build: "simd" });
  return { ...cs, ...onnx };
}

const loaded = new Map<Build, Promise<Package>>();

/** The package running a given build. */
export function load(build: Build): Promise<Package> {
  let pkg = loaded.get(build);
  if (pkg === undefined) {
    pkg = fresh(build).then(async (cs) => {
      await cs.init({ build });
      return cs;
    });
    loaded.set(build, pkg);
  }
  return pkg;
}
