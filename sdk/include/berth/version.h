// The SDK's own version and the interface's generation. A plugin carries both in its manifest (manifest.h).
#pragma once

#define BERTH_SDK_VERSION_MAJOR 0
#define BERTH_SDK_VERSION_MINOR 1
#define BERTH_SDK_VERSION_PATCH 0

// The generation of the abstract classes: it changes when a class or struct of the SDK changes in a way that
// breaks a compiled plugin. While the SDK is 0.x it may change with any minor version; from 1.0 on it is fixed.
#define BERTH_INTERFACE_VERSION 1

// Types that are thrown or cast across the boundary share their type information through default visibility.
#define BERTH_VISIBLE __attribute__((visibility("default")))
