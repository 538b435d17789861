//! The images that the tests use: ours, and Debian with what a host has on it.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use crate::{
    Outcome,
    engine::{Engine, output},
    static_binary,
};

/// Ours.
pub(crate) const VRRP: &str = "vrrp";
/// Ours in one that has a shell, as `docs/containers.md` tells a user to make it.
pub(crate) const SHELL: &str = "vrrp-shell";
/// A host of the deployments: Debian with unbound.
pub(crate) const HOST: &str = "host";
/// Debian with keepalived and nothing else.
pub(crate) const KEEPALIVED: &str = "keepalived";

/// What a host's unbound has beside the lines of the deployment. What it answers with is the host's
/// own address, so that a client sees who answered.
const UNBOUND: &str = "
  access-control: 0.0.0.0/0 allow
  do-ip6: no
  chroot: \"\"
  username: \"\"
  use-syslog: no
  pidfile: \"\"
  local-zone: \"test.\" static
  local-data: \"who.test. A OWN\"
";

/// Makes what the engine does not have: everything, as its folder is new.
pub(crate) fn make(engine: &Engine) -> Outcome {
    import(engine, HOST, "unbound,iproute2")?;
    import(engine, KEEPALIVED, "keepalived")?;
    build(engine)?;
    build_with_shell(engine)
}

/// The command of a host whose address is `own`.
pub(crate) fn unbound(own: &str) -> String {
    let config = include_str!("../../../examples/deploy/unbound/unbound.conf").to_owned();
    let config = config + &UNBOUND.replace("OWN", own);
    format!("cat > /run/unbound.conf <<'END'\n{config}END\nexec unbound -d -c /run/unbound.conf")
}

/// The workspace's root.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// Debian with these packages, from the archive that an earlier run left, or a new one.
fn import(engine: &Engine, name: &str, packages: &str) -> Outcome {
    let folder = root().join("target/containers");
    fs::create_dir_all(&folder)?;
    let archive = folder.join(format!("{name}.tar"));
    if !archive.exists() {
        println!("making the image {name}: Debian with {packages}");
        debootstrap(&engine.folder().join("root"), packages, &archive)?;
    }
    engine.docker(&["import", &archive.to_string_lossy(), name]).map(drop)
}

fn debootstrap(tree: &Path, packages: &str, archive: &Path) -> Outcome {
    let mut command = Command::new("debootstrap");
    command.args(["--variant=minbase", &format!("--include={packages}"), "bookworm"]).arg(tree);
    output(command)?;
    // As the slim images do.
    for useless in
        ["var/cache/apt", "var/lib/apt/lists", "usr/share/doc", "usr/share/man", "usr/share/locale"]
    {
        let _ = fs::remove_dir_all(tree.join(useless));
    }
    let unfinished = archive.with_extension("unfinished");
    let mut command = Command::new("tar");
    command.arg("-C").arg(tree).arg("-cf").arg(&unfinished).arg(".");
    output(command)?;
    fs::rename(unfinished, archive)?;
    Ok(fs::remove_dir_all(tree)?)
}

/// The image of the `Dockerfile`, of which this machine may not have the first stage: its build
/// command runs here, and its last stage is built as it stands.
fn build(engine: &Engine) -> Outcome {
    let dockerfile = fs::read_to_string(root().join("Dockerfile"))?;
    let binary = static_binary::build(&root().join("target/containers/build.log"))?;
    let context = engine.folder().join("image");
    fs::create_dir_all(&context)?;
    fs::copy(binary, context.join("vrrp"))?;
    let (_, last) = dockerfile
        .split_once("FROM scratch\n")
        .ok_or("the Dockerfile has no stage from scratch")?;
    let copied = last.replace("COPY --from=build /vrrp /vrrp", "COPY vrrp /vrrp");
    fs::write(context.join("Dockerfile"), format!("FROM scratch\n{copied}"))?;
    engine.docker(&["build", "--tag", VRRP, &context.to_string_lossy()]).map(drop)
}

/// The image for scripts, from the page that describes it, on the Debian that is here.
fn build_with_shell(engine: &Engine) -> Outcome {
    let page = fs::read_to_string(root().join("docs/containers.md"))?;
    let dockerfile = page.split("```\n").find(|block| block.starts_with("FROM "));
    let (base, rest) = dockerfile
        .and_then(|dockerfile| dockerfile.split_once('\n'))
        .ok_or("docs/containers.md has no Dockerfile")?;
    println!("making the image {SHELL}: {HOST} instead of {base}");
    let context = engine.folder().join("shell");
    fs::create_dir_all(&context)?;
    fs::write(context.join("Dockerfile"), format!("FROM {HOST}\n{rest}"))?;
    engine.docker(&["build", "--tag", SHELL, &context.to_string_lossy()]).map(drop)
}
