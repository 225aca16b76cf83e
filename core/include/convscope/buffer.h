// Buffer: numbers on the heap whose allocation may fail without ending the
// program.
#ifndef CONVSCOPE_BUFFER_H_
#define CONVSCOPE_BUFFER_H_

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <utility>

#include "convscope/status.h"

namespace convscope {

// An owned array of T (float or int32_t), aligned to 64 bytes, or nothing.
template <class T>
class Buffer {
 public:
  Buffer() = default;
  Buffer(Buffer&& other) noexcept
      : data_(std::exchange(other.data_, nullptr)),
        size_(std::exchange(other.size_, 0)) {}
  Buffer& operator=(Buffer&& other) noexcept {
    std::swap(data_, other.data_);
    std::swap(size_, other.size_);
    return *this;
  }
  Buffer(const Buffer&) = delete;
  Buffer& operator=(const Buffer&) = delete;
  ~Buffer() { std::free(data_); }

  // Replaces the array by one of `size` undefined elements. On kMemory the old
  // one stays.
  Status Allocate(int64_t size) {
    // aligned_alloc wants a multiple of the alignment, and not 0. Counted in 64
    // bits: just under kMaxElements floats are more than a 32-bit size_t holds.
    const uint64_t bytes =
        (static_cast<uint64_t>(size) * sizeof(T) / 64 + 1) * 64;
    T* data = nullptr;
    if (bytes <= SIZE_MAX) {
      data =
          static_cast<T*>(std::aligned_alloc(64, static_cast<size_t>(bytes)));
    }
    if (data == nullptr) {
      return Error(Code::kMemory, "out of memory: could not allocate " +
                                      std::to_string(bytes) + " bytes");
    }
    std::free(data_);
    data_ = data;
    size_ = size;
    return Ok();
  }

  T* data() { return data_; }
  const T* data() const { return data_; }
  int64_t size() const { return size_; }
  int64_t bytes() const { return size_ * static_cast<int64_t>(sizeof(T)); }

 private:
  T* data_ = nullptr;
  int64_t size_ = 0;
};

}  // namespace convscope

#endif  // CONVSCOPE_BUFFER_H_
