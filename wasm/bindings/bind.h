// Binds plain functions with Embind: objects and arrays cross as addresses.
#ifndef CONVSCOPE_WASM_BIND_H_
#define CONVSCOPE_WASM_BIND_H_

#include <emscripten/bind.h>

#include <cstdint>
#include <type_traits>

namespace convscope::raw {

// How a type crosses.
template <class T>
struct Wire {
  using Type = T;
  static T Read(T value) { return value; }
};
template <>
struct Wire<void> {
  using Type = void;
};
template <class T>
struct Wire<T*> {
  using Type = uintptr_t;
  static T* Read(uintptr_t address) { return reinterpret_cast<T*>(address); }
};
template <class T>
struct Wire<T&> {
  using Type = uintptr_t;
  static T& Read(uintptr_t address) { return *reinterpret_cast<T*>(address); }
};

template <auto kFunction>
struct Wired;
template <class Answer, class... Taken, Answer (*kFunction)(Taken...)>
struct Wired<kFunction> {
  // The function's body in place of a call: it has no other caller.
  [[gnu::flatten]] static typename Wire<Answer>::Type Call(
      typename Wire<Taken>::Type... arguments) {
    if constexpr (std::is_pointer_v<Answer>) {
      return reinterpret_cast<uintptr_t>(
          kFunction(Wire<Taken>::Read(arguments)...));
    } else {
      return kFunction(Wire<Taken>::Read(arguments)...);
    }
  }
};

// JavaScript calls the function by this name.
template <auto kFunction>
void Bind(const char* name) {
  emscripten::function(name, &Wired<kFunction>::Call);
}

}  // namespace convscope::raw

#endif  // CONVSCOPE_WASM_BIND_H_
