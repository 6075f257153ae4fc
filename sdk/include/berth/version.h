// The SDK's own version and the interface's generation. A plugin carries both in its manifest (manifest.h).
#pragma once

#define BERTH_SDK_VERSION_MAJOR 1
#define BERTH_SDK_VERSION_MINOR 1
#define BERTH_SDK_VERSION_PATCH 0

// The generation of the abstract classes and structs. Within SDK 1.x it is 1: a compiled plugin is never broken.
#define BERTH_INTERFACE_VERSION 1

// Types that are thrown or cast across the boundary. Libraries are told apart by the names of types, not by addresses,
// so an exception, or a dynamic_cast, finds the same type in the host and in a plugin that hides its symbols.
//
// How the SDK grows: a released class never changes. A new ability is an abstract class of its own, never final, that
// an object of a released class has too; whoever wants it asks by dynamic_cast, and gets null from those who are older:
//   the host a plugin:   dynamic_cast<const Display*>(&task)
//   a plugin the host:   dynamic_cast<const LayerOutputs*>(&encoded)
#ifndef __cpp_rtti
#error "berth plugins need RTTI: take -fno-rtti away"
#endif
#define BERTH_VISIBLE __attribute__((visibility("default")))

namespace berth {
inline namespace v1 {

// What a struct of the SDK that the host fills may come to carry besides: asked for by dynamic_cast.
class BERTH_VISIBLE Additions {
 public:
  virtual ~Additions() = default;
};

}  // namespace v1
}  // namespace berth
