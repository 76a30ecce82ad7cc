// Which certificates a server's must descend from. Owned by one client.
//
// Those of a file, or the system's: what SSL_CERT_FILE and SSL_CERT_DIR name, as OpenSSL reads
// them, else what distributions keep in well-known places. A directory is looked into only for the
// certificate that is asked for; a file is parsed whole, which takes some 20 ms and most of a
// megabyte. So roots are read when TLS first needs them, and where there is a directory, its file
// only when that has not sufficed.
#pragma once

#include <openssl/ssl.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "walwrap/base/result.hpp"

namespace walwrap::http {

class Trust {
 public:
  // Where distributions keep root certificates; the first of each kind that has some counts.
  struct Places {
    std::vector<std::string> directories;
    std::vector<std::string> files;
  };
  static Places system_places();

  // "" for the system's. Errors: Invalid (the file cannot be read, or has no certificate).
  static Result<Trust> open(std::string ca_file, Places places = system_places());

  // Lets the connections of that context verify by these roots, and by nothing else. They report to
  // this object, which therefore outlives them and stays where it is. Errors: as open().
  Result<void> apply_to(SSL_CTX* context);
  // X509_V_..., of the last certificate that came since apply_to(); X509_V_OK: none was bad. Names
  // are not looked at here.
  long verify_result() const { return verify_result_; }

  // Borrowed, until the next call that is not const. Errors: as open().
  Result<X509_STORE*> roots();
  // After a certificate did not verify: whether there are more roots to try.
  bool widen();
  // The next request reads the roots again: files are replaced while a client lives on.
  void forget();
  bool has_roots() const { return has_roots_; }  // false: the system has none

 private:
  struct Release {
    void operator()(X509_STORE* store) const { X509_STORE_free(store); }
  };
  enum class Reach { Directory, All };

  Trust(std::string ca_file, Places places)
      : ca_file_(std::move(ca_file)), places_(std::move(places)) {}
  static int on_certificate(X509_STORE_CTX* chain, void* trust);
  Result<void> check_file() const;
  Result<void> load_file();
  void load_system();

  std::string ca_file_;
  Places places_;
  std::unique_ptr<X509_STORE, Release> store_;
  Reach reach_ = Reach::Directory;  // wanted
  bool has_more_ = false;           // a file that has not been read
  bool has_roots_ = true;
  long verify_result_ = X509_V_OK;
};

}  // namespace walwrap::http
