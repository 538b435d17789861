//! The library that takes away from the program what older kernels do not know.

use std::{
    env,
    path::{Path, PathBuf},
    process::Command,
};

use tempfile::TempDir;

const SOURCE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/old_kernels/shim.c");

/// What is added to the environment of a program that is to meet such a kernel.
pub(crate) type Environment = Vec<(&'static str, PathBuf)>;

/// Both of them, in a folder that goes with this.
pub(crate) struct Shims {
    folder: TempDir,
}

impl Shims {
    /// Builds them and tries whether the program can be given them; the error says why not.
    pub(crate) fn build() -> Result<Self, String> {
        let folder = TempDir::with_prefix("vrrp-shim-").map_err(|error| error.to_string())?;
        let shims = Self { folder };
        compile(&shims.library("old"), &[])?;
        compile(&shims.library("older"), &["-DWITHOUT_METRIC"])?;
        shims.is_obeyed().then_some(shims).ok_or_else(|| {
            "the program takes no library that is preloaded; it is linked statically, perhaps"
                .to_owned()
        })
    }

    fn library(&self, name: &str) -> PathBuf {
        self.folder.path().join(name).with_extension("so")
    }

    fn environment(&self, name: &str) -> Environment {
        vec![("LD_PRELOAD", self.library(name)), ("VRRP_TEST_SHIM", self.folder.path().to_owned())]
    }

    /// Linux 4.18 or 4.19.
    pub(crate) fn old(&self) -> Environment {
        self.environment("old")
    }

    /// An earlier one, which does not keep the metric of an address.
    pub(crate) fn older(&self) -> Environment {
        self.environment("older")
    }

    fn is_obeyed(&self) -> bool {
        let mut program = Command::new(env!("CARGO_BIN_EXE_vrrp"));
        let ran = program.arg("--version").envs(self.old()).output();
        ran.is_ok() && has_taken(self.folder.path(), "loaded")
    }
}

/// Whether one of them has taken this away, by what it wrote into its folder.
pub(crate) fn has_taken(folder: &Path, what: &str) -> bool {
    folder.join(what).exists()
}

fn compile(library: &Path, more: &[&str]) -> Result<(), String> {
    let compiler = env::var_os("CC").unwrap_or_else(|| "cc".into());
    let mut command = Command::new(&compiler);
    command.args(["-shared", "-fPIC", "-O1", "-Wall", "-Wextra"]).args(more);
    command.arg("-o").arg(library).args([SOURCE, "-ldl"]);
    let compiler = compiler.display();
    match command.output() {
        Err(error) => Err(format!("the C compiler {compiler} cannot be run: {error}")),
        Ok(output) if !output.status.success() => {
            let said = String::from_utf8_lossy(&output.stderr);
            Err(format!("the C compiler {compiler} refused shim.c: {said}"))
        }
        Ok(_) => Ok(()),
    }
}
