// Embind's glue, for functions of numbers. bind.h makes every argument and
// answer a number, and numbers cross as they are: the types that Embind registers
// to convert values have nothing to do here, and a function is the invoker that
// Embind made in C++, under its name.
//
// emcc also runs the module with Embind's own library to write raw.d.ts; that
// needs the types.
if (!JS_LIBRARIES.includes("embind/embind_gen.js")) {
  const library = {
    _embind_register_function: (name, count, types, signature, invoker, fn, isAsync, isNonnull) => {
      const call = wasmTable.get(invoker).bind(null, fn);
      // An address is a signed number where WebAssembly answers with it.
      const isAddress = AsciiToString(signature)[0] == "p";
      Module[AsciiToString(name)] = isAddress ? (...args) => call(...args) >>> 0 : call;
    },
    _embind_register_bigint: (type, name, size, least, most) => {},
    _embind_register_bool: (type, name, yes, no) => {},
    _embind_register_emval: (type) => {},
    _embind_register_float: (type, name, size) => {},
    _embind_register_integer: (type, name, size, least, most) => {},
    _embind_register_memory_view: (type, elements, name) => {},
    _embind_register_std_string: (type, name) => {},
    _embind_register_std_wstring: (type, size, name) => {},
    _embind_register_void: (type, name) => {},
  };
  for (const name of Object.keys(library)) library[`${name}__deps`] = [];
  library._embind_register_function__deps = ["$AsciiToString", "$wasmTable"];
  addToLibrary(library);
}
