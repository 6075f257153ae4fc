// Paths as a suite writes them.
#pragma once

#include <filesystem>
#include <string>

#include "core/suite/config_value.h"

namespace berth::suite {

// "${NAME}" becomes the environment's value, "$${" becomes "${"; a relative path is taken from `folder`, which is
// absolute. The result is absolute, without "." and ".." and a slash at the end; but "-" stays "-", standard input, and
// "./-" is a file of that name. Throws Error kConfig with `owner` ("[model]: 'path'") in front. Whether anything is
// there is not looked at.
std::filesystem::path resolve_path(const std::string& text, const std::filesystem::path& folder, const Where& where,
                                   const std::string& owner);

// The path as a TOML string that resolve_path() gives back.
std::string path_to_toml(const std::filesystem::path& path);

}  // namespace berth::suite
