//! [`Kernel`]: one of Debian's, unpacked and not installed.

use std::{
    fs, io,
    path::{Path, PathBuf},
    process::Command,
};

use crate::{folder, output};

pub(crate) struct Kernel {
    pub(crate) version: &'static str,
    /// What the package's name begins with; a number follows that grows with each security update.
    package: &'static str,
    /// Of Debian.
    release: &'static str,
}

/// Linux 5.10 does not know the protocol of an address, 6.1 does not change it.
pub(crate) const KERNELS: [Kernel; 2] = [
    Kernel { version: "5.10", package: "linux-image-5.10.0-", release: "bullseye" },
    Kernel { version: "6.1", package: "linux-image-6.1.0-", release: "bookworm" },
];

const KEYRING: &str = "/usr/share/keyrings/debian-archive-keyring.gpg";

impl Kernel {
    /// As part of a test's name.
    pub(crate) fn label(&self) -> String {
        self.version.replace('.', "_")
    }

    pub(crate) fn folder(&self) -> PathBuf {
        folder().join(self.version)
    }

    /// What QEMU boots.
    pub(crate) fn file(&self) -> io::Result<PathBuf> {
        let is_kernel = |path: &PathBuf| {
            path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("vmlinuz-"))
        };
        let boot = self.folder().join("root/boot");
        let mut files = fs::read_dir(&boot)?.filter_map(|entry| Some(entry.ok()?.path()));
        files
            .find(is_kernel)
            .ok_or_else(|| io::Error::other(format!("no kernel in {}", boot.display())))
    }
}

/// Downloads and unpacks the newest of its kind, unless an earlier run has.
pub(crate) fn fetch(kernel: &Kernel) -> io::Result<()> {
    if kernel.file().is_ok() {
        return Ok(());
    }
    if !Path::new(KEYRING).exists() {
        return Err(io::Error::other(
            "debian-archive-keyring is missing, and without it no package is trusted",
        ));
    }
    let apt = Apt::new(kernel)?;
    apt.run("apt-get", &["-qq", "update"])?;
    let package = apt.newest(kernel.package)?;
    println!("downloading {package}");
    let unfinished = kernel.folder().join("unfinished");
    let _ = fs::remove_dir_all(&unfinished);
    fs::create_dir_all(&unfinished)?;
    apt.run("apt-get", &["-qq", "download", &package])?;
    let archive = apt.downloaded(&package)?;
    output(Command::new("dpkg-deb").arg("-x").arg(&archive).arg(&unfinished))?;
    let release = package.trim_start_matches("linux-image-");
    let mut depmod = Command::new("sh");
    depmod.args(["-ec", "PATH=$PATH:/usr/sbin:/sbin; exec depmod -b \"$0\" \"$1\""]);
    output(depmod.arg(&unfinished).arg(release))?;
    fs::remove_file(archive)?;
    fs::rename(unfinished, kernel.folder().join("root"))
}

/// Apt with sources and lists of its own: the machine's stay as they are.
struct Apt {
    folder: PathBuf,
}

impl Apt {
    fn new(kernel: &Kernel) -> io::Result<Self> {
        let folder = kernel.folder().join("apt");
        for part in ["lists/partial", "cache/archives/partial"] {
            fs::create_dir_all(folder.join(part))?;
        }
        let (release, from) =
            (kernel.release, format!("deb [signed-by={KEYRING}] http://deb.debian.org"));
        let sources = format!(
            "{from}/debian {release} main\n{from}/debian-security {release}-security main\n"
        );
        fs::write(folder.join("sources.list"), sources)?;
        Ok(Self { folder })
    }

    fn run(&self, program: &str, arguments: &[&str]) -> io::Result<String> {
        let folder = self.folder.display();
        let mut command = Command::new(program);
        command.current_dir(&self.folder);
        for option in [
            format!("Dir::Etc::sourcelist={folder}/sources.list"),
            "Dir::Etc::sourceparts=/dev/null".to_owned(),
            "Dir::Etc::preferences=/dev/null".to_owned(),
            "Dir::Etc::preferencesparts=/dev/null".to_owned(),
            format!("Dir::State::lists={folder}/lists"),
            format!("Dir::Cache={folder}/cache"),
            // Its own user cannot write into this folder.
            "APT::Sandbox::User=root".to_owned(),
            "Acquire::Languages=none".to_owned(),
        ] {
            command.arg("-o").arg(option);
        }
        output(command.args(arguments))
    }

    /// The package of the highest number.
    fn newest(&self, package: &str) -> io::Result<String> {
        let names = self.run("apt-cache", &["pkgnames", package])?;
        let number =
            |name: &str| name.strip_prefix(package)?.strip_suffix("-amd64")?.parse::<u32>().ok();
        let newest = names.lines().filter_map(|name| Some((number(name)?, name))).max();
        let (_, name) =
            newest.ok_or_else(|| io::Error::other(format!("apt knows no {package}*-amd64")))?;
        Ok(name.to_owned())
    }

    fn downloaded(&self, package: &str) -> io::Result<PathBuf> {
        let begin = format!("{package}_");
        let is_it = |path: &PathBuf| {
            path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(&begin))
        };
        let mut files = fs::read_dir(&self.folder)?.filter_map(|entry| Some(entry.ok()?.path()));
        files.find(is_it).ok_or_else(|| io::Error::other(format!("{package} was not downloaded")))
    }
}
