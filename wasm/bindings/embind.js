// Types that Embind registers for every module, and that no function here takes
// or answers with: without what they need its glue is smaller.
addToLibrary({
  _embind_register_bigint: (type, name, size, low, high) => {},
  _embind_register_bigint__deps: [],
  _embind_register_emval: (type) => {},
  _embind_register_emval__deps: [],
  _embind_register_memory_view: (type, elements, name) => {},
  _embind_register_memory_view__deps: [],
  _embind_register_std_string: (type, name) => {},
  _embind_register_std_string__deps: [],
  _embind_register_std_wstring: (type, size, name) => {},
  _embind_register_std_wstring__deps: [],
});
