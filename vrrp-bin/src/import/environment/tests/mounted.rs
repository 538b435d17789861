//! Files of keepalived's where the images have them.

use super::*;

/// A virtual router in seven lines.
const FILE: &str = "vrrp_instance WEB {\n  interface eth1\n  virtual_router_id 7\n  \
    virtual_ipaddress {\n    192.0.2.10/24\n  }\n}\n";
/// What comes of it.
const WEB: &str = "WEB on eth1: v2 vrid 7 every 1s 100 preempting, 192.0.2.10/24, multicast";

/// The lines about a file at `path` below the root, which is all of the environment's that is read.
fn as_it_is(path: &str, image: &str) -> String {
    format!("{WEB}\n@/{path}: note: this is read in place of the variables, as {image} does")
}

#[test]
fn a_file_is_found_where_an_image_has_it_without_any_variable() {
    for path in [
        "usr/local/etc/keepalived/keepalived.conf",
        "etc/keepalived/keepalived.conf",
        "container/service/keepalived/assets/keepalived.conf",
        "container/services/keepalived-conf/assets/confs/keepalived.conf.template",
    ] {
        let root = root(&[(path, FILE)]);
        assert_eq!(told("", &root), as_it_is(path, "osixia/keepalived"));
    }
}

#[test]
fn the_file_is_read_that_the_variables_name() {
    let root = root(&[
        ("one.conf", FILE),
        ("etc/keepalived/keepalived.conf", "vrrp_instance OTHER {\n}\n"),
        ("usr/local/etc/keepalived/keepalived.conf", "vrrp_instance OTHER {\n}\n"),
    ]);
    for (lines, image) in [
        ("KEEPALIVED_CONF=@/one.conf", "osixia/keepalived"),
        ("KEEPALIVED_AUTOCONF=false\nKEEPALIVED_CONF=@/one.conf", "arcts/keepalived"),
        ("VRRP_ENV_STYLE=ednxzu\nCONFIG=@/one.conf", "ednxzu/keepalived"),
    ] {
        assert_eq!(told(lines, &root), as_it_is("one.conf", image));
    }
    let command = "KEEPALIVED_AUTOCONF=no\nKEEPALIVED_CONF=@/none.conf\nKEEPALIVED_CMD=keepalived \
        -n -f @/one.conf";
    let expected = as_it_is("one.conf", "arcts/keepalived").replacen(
        '\n',
        "\nKEEPALIVED_CMD: warning: this is ignored: keepalived is not run here\n",
        1,
    );
    assert_eq!(told(command, &root), expected);
}

#[test]
fn where_the_image_writes_the_file_itself_it_is_not_read() {
    let root = root(&[("etc/keepalived/keepalived.conf", FILE)]);
    let own = told("VRRP_ADDRESSES=192.0.2.11", &root);
    assert!(own.starts_with("eth0-51-ipv4 on eth0: "), "{own}");
    let arcts = told("KEEPALIVED_VIRTUAL_IPADDRESS_1=192.0.2.11", &root);
    assert!(arcts.starts_with("MAIN on eth0: "), "{arcts}");
    let shawly =
        "KEEPALIVED_VIRTUAL_IP=192.0.2.11\nKEEPALIVED_VIRTUAL_MASK=24\nKEEPALIVED_VRID=7\n";
    let said = told(shawly, &root);
    assert!(said.starts_with("lb-vips on auto: "), "{said}");
    let advice = "KEEPALIVED_CUSTOM_CONFIG: warning: @/etc/keepalived/keepalived.conf is there and is \
        not read; set this to true to have it read in place of the variables";
    assert!(said.lines().any(|line| line == advice), "{said}");
    let custom = told("KEEPALIVED_CUSTOM_CONFIG=true\nKEEPALIVED_VRID=9", &root);
    let unused = "\nKEEPALIVED_VRID: warning: this does nothing, because \
        @/etc/keepalived/keepalived.conf is read in its place; remove it";
    assert_eq!(custom, as_it_is("etc/keepalived/keepalived.conf", "shawly/keepalived") + unused);
}

#[test]
fn variables_beside_a_file_do_nothing_but_those_of_every_style() {
    let file = format!("{}{FILE}", "# \u{e9}\nglobal_defs {\n notify_fifo /run/one\n}\n");
    let root = root(&[("usr/local/etc/keepalived/keepalived.conf", &file)]);
    let lines = "KEEPALIVED_VIRTUAL_IPS=192.0.2.11\nKEEPALIVED_UNICAST_PEERS=192.0.2.2\n\
        VRRP_CHECK_TCP=127.0.0.1:80\nVRRP_NOTIFY=/bin/told\nVRRP_CONTROL=/run/other.sock\n\
        KEEPALIVED_COMMAND_LINE_ARGUMENTS=-D\n";
    let unused = "warning: this does nothing, because \
        @/usr/local/etc/keepalived/keepalived.conf is read in its place; remove it";
    let expected = format!(
        "{WEB}, tracks tcp, last Leave\nall, All /bin/told, fifo /run/one\n\
         KEEPALIVED_COMMAND_LINE_ARGUMENTS: note: \"-D\" is for keepalived and is ignored\n\
         @/usr/local/etc/keepalived/keepalived.conf: note: this is read in place of the variables, \
         as osixia/keepalived does\nKEEPALIVED_UNICAST_PEERS: {unused}\n\
         KEEPALIVED_VIRTUAL_IPS: {unused}"
    );
    assert_eq!(told(lines, &root), expected);
    let config = read(lines, &root).config.unwrap();
    assert_eq!(config.control, Path::new("/run/other.sock"));
    let fifo = read(&format!("{lines}VRRP_NOTIFY_FIFO=/run/two\n"), &root).config.unwrap().fifo;
    assert_eq!(fifo.unwrap().value, Path::new("/run/two"));
}

#[test]
fn a_check_of_the_file_keeps_its_meaning() {
    let file = "vrrp_script ok {\n script /bin/ok\n weight -20\n}\n".to_owned()
        + &FILE.replace("  virtual_ipaddress", "  track_script {\n ok\n }\n  virtual_ipaddress");
    let root = root(&[("etc/keepalived/keepalived.conf", &file)]);
    let said = told("", &root);
    assert!(said.starts_with(&format!("{WEB}, tracks ok, last Stay\n")), "{said}");
}

/// The assets of osixia's images up to 2.1.5.
#[test]
fn osixias_variables_stand_between_braces() {
    let file = "vrrp_instance VI_1 {\n interface {{ KEEPALIVED_INTERFACE }}\n state \
        {{ KEEPALIVED_STATE }}\n virtual_router_id {{KEEPALIVED_ROUTER_ID}}\n priority \
        {{ KEEPALIVED_PRIORITY }}\n unicast_peer {\n  {{ KEEPALIVED_UNICAST_PEERS }}\n }\n \
        virtual_ipaddress {\n  {{ KEEPALIVED_VIRTUAL_IPS }}\n }\n authentication {\n  auth_type \
        PASS\n  auth_pass {{ KEEPALIVED_PASSWORD }}\n }\n {{ KEEPALIVED_NOTIFY }}\n advert_in 1\n}\n";
    let path = "container/service/keepalived/assets/keepalived.conf";
    let root = root(&[(path, file)]);
    let lines = "KEEPALIVED_UNICAST_PEERS=#PYTHON2BASH:['192.0.2.2', '192.0.2.3']\n\
        KEEPALIVED_VIRTUAL_IPS=192.0.2.10/24 dev eth1 brd 192.0.2.255 192.0.2.11\n\
        KEEPALIVED_NOTIFY=/scripts/told --all\nKEEPALIVED_PRIORITY=120\n";
    let expected = format!(
        "VI_1 on eth0: v2 vrid 51 every 1s 120 preempting password \"d0cker\", \
         192.0.2.10/24 dev eth1 brd 192.0.2.255 192.0.2.11/32, peers 192.0.2.2 (hop limit 1) \
         192.0.2.3 (hop limit 1) and any, All /scripts/told | --all\n\
         @/{path}: note: this is read, and variables stand in it, as osixia/keepalived does\n\
         @/{path}:17:2: warning: there is no keyword `advert_in` here, it is left out; did you mean \
         `advert_int`?"
    );
    assert_eq!(told(lines, &root), expected);
    let asks = format!("@/{path} asks for this, and it is not set; write for example");
    let missing = format!(
        "KEEPALIVED_PRIORITY: this has more than one line; write one\n\
         KEEPALIVED_UNICAST_PEERS: {asks} 192.0.2.2 192.0.2.3\n\
         KEEPALIVED_VIRTUAL_IPS: {asks} 192.0.2.10/24"
    );
    assert_eq!(told("KEEPALIVED_PRIORITY=1\\n2", &root), missing);
}

/// The templates of osixia 2.3.4 and of ednxzu.
#[test]
fn variables_stand_where_a_shell_has_them() {
    let template = "vrrp_instance ${NAME} {\n interface $KEEPALIVED_INTERFACE\n virtual_router_id \
        ${KEEPALIVED_ROUTER_ID}\n unicast_peer {\n  ${KEEPALIVED_UNICAST_PEERS}\n }\n \
        virtual_ipaddress {\n  ${KEEPALIVED_VIRTUAL_IPS}\n }\n ${KEEPALIVED_NOTIFY}\n}\n";
    let root = root(&[("one.template", template)]);
    let lines = "KEEPALIVED_CONF_TEMPLATE=@/one.template\nKEEPALIVED_UNICAST_PEERS=192.0.2.2 \
        192.0.2.3\nKEEPALIVED_VIRTUAL_IPS=192.0.2.10 192.0.2.11\nNAME=web\nKEEPALIVED_STATE=MASTER\n";
    let expected = "web on eth0: v2 vrid 51 every 1s 100 preempting, 192.0.2.10/32 192.0.2.11/32, \
        peers 192.0.2.2 (hop limit 1) 192.0.2.3 (hop limit 1) and any\n\
        @/one.template: note: this is read, and variables stand in it, as osixia/keepalived does\n\
        KEEPALIVED_STATE: warning: this does nothing, because @/one.template is read in its place; \
        remove it";
    assert_eq!(told(lines, &root), expected);
    let more = "KEEPALIVED_CONF=@/none.conf\nKEEPALIVED_NOTIFY_SCRIPT=/scripts/told\n";
    let said = told(&format!("{lines}{more}"), &root);
    let missing = "KEEPALIVED_CONF: warning: there is no \"@/none.conf\", and @/one.template is read \
        in its place; mount it there, or remove this";
    assert!(said.lines().any(|line| line == missing), "{said}");
    assert!(said.contains(", All /scripts/told\n"), "{said}");
    assert!(!said.contains("KEEPALIVED_NOTIFY_SCRIPT"), "{said}");
}

#[test]
fn a_variable_that_is_not_set_leaves_nothing_and_is_told() {
    let file = FILE.replace("WEB", "${NAME}").replace("eth1", "${DEVICE}eth1 ${_BANG}");
    let root = root(&[("one.template", &format!("$NAME=WEB\n{file}"))]);
    let said = told("KEEPALIVED_CONF_TEMPLATE=@/one.template", &root);
    let expected = format!(
        "{WEB}\nDEVICE: warning: this stands in @/one.template and is not set; nothing is put there"
    );
    assert!(said.starts_with(&expected), "{said}");
    assert_eq!(said.matches("is not set").count(), 1, "{said}");
}

#[test]
fn what_follows_a_password_is_not_repeated() {
    let file = FILE.replace(
        "  interface",
        "  authentication {\n auth_type PASS\n auth_pass \
        {{ KEEPALIVED_PASSWORD }}\n }\n  interface",
    );
    let root = root(&[("container/service/keepalived/assets/keepalived.conf", &file)]);
    let said = told("KEEPALIVED_PASSWORD=a s3cret", &root);
    assert!(said.contains("preempting password \"a\", "), "{said}");
    assert!(said.contains("KEEPALIVED_PASSWORD: warning: only the part before "), "{said}");
    assert!(!said.contains("s3cret"), "{said}");
}

proptest::proptest! {
    #[test]
    fn whatever_stands_in_a_file_keeps_the_promises(
        value in "[ -~\u{e9}]{0,20}",
        list in r#"(#PYTHON2BASH:)?[\[\],' .a-f0-9/$(){}]{0,30}"#,
    ) {
        let style = if value.len() % 2 == 0 { "osixia" } else { "ednxzu" };
        crate::readers::environment(&format!(
            "VRRP_ENV_STYLE={style}\nKEEPALIVED_CONF_TEMPLATE=/mounted.template\n\
             CONFIG=/mounted.template\nKEEPALIVED_INTERFACE={value}\nKEEPALIVED_NOTIFY={value}\n\
             ROUTER_ID={value}\nKEEPALIVED_UNICAST_PEERS=192.0.2.2 {list}\n\
             KEEPALIVED_VIRTUAL_IPS={list}\n"
        ));
    }
}

#[test]
fn ednxzus_file_may_have_variables() {
    let template = "vrrp_instance ${VRRP_INSTANCE} {\n interface ${INTERFACE}\n virtual_router_id \
        ${ROUTER_ID}\n priority ${MINE}\n unicast_src_ip ${UNICAST_SRC_IP}\n unicast_peer {\n  \
        ${UNICAST_PEERS}\n }\n virtual_ipaddress {\n  ${VIRTUAL_IPS}\n }\n prioritx 1\n}\n";
    let root = root(&[("etc/keepalived/keepalived.conf", template)]);
    let lines = "VIRTUAL_IPS=192.0.2.10/24 dev eth1,192.0.2.11\nMINE=77\nHOSTNAME=node-1\n";
    let said = |more: &str| told(&format!("{lines}{more}"), &root);
    let multicast = said("UNICAST_SRC_IP=192.0.2.1\n");
    let expected = "node-1 on eth0: v2 vrid 50 every 1s 77 preempting, 192.0.2.10/24 dev eth1 \
        192.0.2.11/32, multicast\n";
    assert!(multicast.starts_with(expected), "{multicast}");
    let position =
        "\n@/etc/keepalived/keepalived.conf:12:2: warning: there is no keyword `prioritx`";
    assert!(multicast.contains(position), "{multicast}");
    let unicast = said("UNICAST_PEERS=192.0.2.2,192.0.2.3\nUNICAST_SRC_IP=192.0.2.1\n");
    let peers = "192.0.2.11/32, peers 192.0.2.2 (hop limit 1) 192.0.2.3 (hop limit 1) and any from \
        192.0.2.1\n";
    assert!(unicast.contains(peers), "{unicast}");
    let anywhere = said("UNICAST_PEERS=192.0.2.2\n");
    assert!(anywhere.contains("peers 192.0.2.2 (hop limit 1) and any\n"), "{anywhere}");
}

#[test]
fn mistakes_in_a_file_are_told_by_line_and_column() {
    let root = root(&[("etc/keepalived/keepalived.conf", "vrrp_instance WEB {\n  priority\n}\n")]);
    let said = told("KEEPALIVED_AUTOCONF=false", &root);
    let error =
        "@/etc/keepalived/keepalived.conf:2:3: `priority` has no value; write one behind it";
    assert!(said.lines().any(|line| line == error), "{said}");
    assert!(read("KEEPALIVED_AUTOCONF=false", &root).config.is_err());
}
