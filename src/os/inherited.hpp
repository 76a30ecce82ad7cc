// What this process was started with for the app: descriptors and the working directory.
//
// The app gets them as they are. A process that does not become the app must not keep them: a pipe
// whose writers are counted would never end, and a directory could never be unmounted.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "walwrap/base/result.hpp"
#include "walwrap/os/fd.hpp"

namespace walwrap::os {

class Inherited {
 public:
  // After the standard descriptors are filled and before anything else is opened.
  static Inherited capture();

  // One of them that is meant for walwrap: the app will not get it. NotFound: it is not open.
  Result<Fd> take(int descriptor);
  void close_descriptors();  // once; those beyond standard error
  static void leave_directory();
  void return_to_directory() const;  // if it is still there

 private:
  std::vector<int> descriptors_;
  std::string directory_;
};

}  // namespace walwrap::os
