#include "walwrap/http/trust.hpp"

#include <openssl/err.h>
#include <openssl/pem.h>

#include <algorithm>

#include "walwrap/base/check.hpp"
#include "walwrap/http/releaser.hpp"
#include "walwrap/os/file.hpp"
#include "walwrap/os/process.hpp"

namespace walwrap::http {
namespace {

// Far larger than any CA bundle.
constexpr Bytes kFileLimit = 16ULL << 20;

bool is_set(const std::string& name) {
  const auto value = os::environment(name);
  return value && !value->empty();
}

// OpenSSL finds a certificate in a directory by a link named after its hash: "4a6481c9.0".
bool is_hashed(const std::string& directory) {
  constexpr std::size_t kHashDigits = 8;
  const auto names = os::list_directory(directory);
  return names && std::any_of(names->begin(), names->end(), [&](const std::string& name) {
           return name.size() == kHashDigits + 2 && name.ends_with(".0") &&
                  name.find_first_not_of("0123456789abcdef") == kHashDigits;
         });
}

Failure no_certificate_in(const std::string& file) {
  return fail(Code::Invalid, "the file of CA certificates contains no PEM certificate: {}", file);
}

}  // namespace

Trust::Places Trust::system_places() {
  return {
      // Debian, Alpine and SUSE; Red Hat.
      .directories = {"/etc/ssl/certs", "/etc/pki/tls/certs"},
      // Debian, Alpine and images without a distribution; Red Hat; SUSE; Red Hat 7; BSD.
      .files = {"/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt",
                "/etc/ssl/ca-bundle.pem", "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
                "/etc/ssl/cert.pem"},
  };
}

Result<Trust> Trust::open(std::string ca_file, Places places) {
  Trust trust(std::move(ca_file), std::move(places));
  if (!trust.ca_file_.empty()) TRY(trust.check_file());
  return trust;
}

Result<void> Trust::apply_to(SSL_CTX* context) {
  X509_STORE* const store = TRY(roots());
  verify_result_ = X509_V_OK;
  SSL_CTX_set1_cert_store(context, store);
  SSL_CTX_set_cert_verify_callback(context, &on_certificate, this);
  return {};
}

int Trust::on_certificate(X509_STORE_CTX* chain, void* trust) {
  const int is_good = X509_verify_cert(chain);
  static_cast<Trust*>(trust)->verify_result_ = X509_STORE_CTX_get_error(chain);
  // A forged signature leaves its own errors, which libcurl would take for a failure of TLS.
  if (is_good != 1) ERR_clear_error();
  return is_good;
}

Result<X509_STORE*> Trust::roots() {
  if (store_ != nullptr) return store_.get();
  store_.reset(X509_STORE_new());
  WW_CHECK(store_ != nullptr);
  // An intermediate certificate may be in the file too: naming it means trusting it.
  X509_STORE_set_flags(store_.get(), X509_V_FLAG_TRUSTED_FIRST | X509_V_FLAG_PARTIAL_CHAIN);
  Result<void> loaded;
  if (ca_file_.empty()) {
    load_system();
  } else {
    loaded = load_file();
  }
  ERR_clear_error();  // of what was tried without success
  if (!loaded) {
    store_.reset();
    return std::move(loaded).take_failure();
  }
  return store_.get();
}

bool Trust::widen() {
  if (!has_more_) return false;
  has_more_ = false;
  reach_ = Reach::All;
  store_.reset();
  return true;
}

void Trust::forget() {
  store_.reset();
  reach_ = Reach::Directory;
  has_more_ = false;
}

// That it is readable and begins with a certificate.
Result<void> Trust::check_file() const {
  const auto content = os::read_file(ca_file_, kFileLimit);
  if (!content) {
    return fail(Code::Invalid, "the file of CA certificates cannot be read: {}",
                content.error().text);
  }
  const std::unique_ptr<BIO, Releaser<BIO_free>> pem(
      BIO_new_mem_buf(content->data(), static_cast<int>(content->size())));
  const std::unique_ptr<X509, Releaser<X509_free>> first(
      PEM_read_bio_X509_AUX(pem.get(), nullptr, nullptr, nullptr));
  ERR_clear_error();
  if (first == nullptr) return no_certificate_in(ca_file_);
  return {};
}

Result<void> Trust::load_file() {
  TRY(check_file());
  if (X509_STORE_load_file(store_.get(), ca_file_.c_str()) != 1) return no_certificate_in(ca_file_);
  return {};
}

void Trust::load_system() {
  if (is_set("SSL_CERT_FILE") || is_set("SSL_CERT_DIR")) {
    has_roots_ = X509_STORE_set_default_paths(store_.get()) == 1;
    return;
  }
  const auto directory =
      std::find_if(places_.directories.begin(), places_.directories.end(), is_hashed);
  const bool has_directory = directory != places_.directories.end();
  if (has_directory) X509_STORE_load_path(store_.get(), directory->c_str());
  has_more_ = has_directory && reach_ == Reach::Directory;
  if (has_more_) return;
  const bool has_file =
      std::any_of(places_.files.begin(), places_.files.end(), [&](const std::string& file) {
        return X509_STORE_load_file(store_.get(), file.c_str()) == 1;
      });
  has_roots_ = has_directory || has_file;
}

}  // namespace walwrap::http
