# Template: `dist/homebrew/formula` fills it in, and the release has the result as `hss-sync.rb`, for a tap.
class HssSync < Formula
  desc "Quota-aware batch runner for image synchronisation tasks of Huawei Cloud HSS"
  homepage "@REPOSITORY@"
  version "@VERSION@"
  license "Apache-2.0"

  on_macos do
    on_arm do
      url "@REPOSITORY@/releases/download/v@VERSION@/hss-sync-v@VERSION@-aarch64-apple-darwin.tar.gz"
      sha256 "@SHA256_AARCH64_APPLE_DARWIN@"
    end
    on_intel do
      url "@REPOSITORY@/releases/download/v@VERSION@/hss-sync-v@VERSION@-x86_64-apple-darwin.tar.gz"
      sha256 "@SHA256_X86_64_APPLE_DARWIN@"
    end
  end

  on_linux do
    on_arm do
      url "@REPOSITORY@/releases/download/v@VERSION@/hss-sync-v@VERSION@-aarch64-unknown-linux-musl.tar.gz"
      sha256 "@SHA256_AARCH64_UNKNOWN_LINUX_MUSL@"
    end
    on_intel do
      url "@REPOSITORY@/releases/download/v@VERSION@/hss-sync-v@VERSION@-x86_64-unknown-linux-musl.tar.gz"
      sha256 "@SHA256_X86_64_UNKNOWN_LINUX_MUSL@"
    end
  end

  def install
    bin.install "hss-sync"
    man1.install Dir["man/man1/*.1"]
    bash_completion.install "completions/hss-sync.bash" => "hss-sync"
    zsh_completion.install "completions/_hss-sync"
    fish_completion.install "completions/hss-sync.fish"
  end

  test do
    assert_match "hss-sync #{version}", shell_output("#{bin}/hss-sync -V")
    (testpath/"plan.yaml").write <<~YAML
      version: 1
      name: test
      registry_sets: { all: { sync_all_registries: true } }
      projects: [{ name: one, project_ids: { cn-north-4: abc }, registry_sets: [all] }]
    YAML
    assert_match "1 operation", shell_output("#{bin}/hss-sync validate plan.yaml")
  end
end
