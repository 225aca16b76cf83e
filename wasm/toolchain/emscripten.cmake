# CMake's toolchain file for the presets wasm-*: whichever emcc is on the PATH
# (build/env.sh puts it there), with the platform file that came with it.
find_program(CONVSCOPE_EMCC emcc REQUIRED)
file(REAL_PATH ${CONVSCOPE_EMCC} emcc)
cmake_path(GET emcc PARENT_PATH emscripten)
include(${emscripten}/cmake/Modules/Platform/Emscripten.cmake)
