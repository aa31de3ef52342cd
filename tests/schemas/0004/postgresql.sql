
CREATE TABLE public.alembic_version (
    version_num character varying(32) NOT NULL
);

CREATE TABLE public.audit (
    id integer NOT NULL,
    user_id integer NOT NULL,
    number integer NOT NULL,
    event character varying(40) NOT NULL,
    actor_id integer,
    at timestamp with time zone NOT NULL,
    last_at timestamp with time zone NOT NULL,
    times integer NOT NULL,
    network character varying(64) NOT NULL,
    browser character varying(200) NOT NULL,
    detail text NOT NULL,
    chain character varying(64) NOT NULL
);

CREATE SEQUENCE public.audit_id_seq
    AS integer
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;

ALTER SEQUENCE public.audit_id_seq OWNED BY public.audit.id;

CREATE TABLE public.budget (
    key character varying(64) NOT NULL,
    used integer NOT NULL,
    used_at timestamp with time zone NOT NULL,
    resets_at timestamp with time zone NOT NULL
);

CREATE TABLE public.cms_user (
    id integer NOT NULL,
    username character varying(50) NOT NULL,
    username_key character varying(100) NOT NULL COLLATE pg_catalog."C",
    email character varying(254) NOT NULL,
    email_key character varying(254) NOT NULL COLLATE pg_catalog."C",
    email_version integer NOT NULL,
    password_hash character varying(200) NOT NULL,
    is_superuser boolean NOT NULL,
    is_active boolean NOT NULL,
    language character varying(10),
    mobile character varying(20),
    staff_number integer,
    gender character varying(10),
    city character varying(40),
    interests json NOT NULL,
    profile_version integer NOT NULL,
    created_at timestamp with time zone NOT NULL,
    acted_at timestamp with time zone NOT NULL,
    frozen_until timestamp with time zone,
    audit_rows integer NOT NULL,
    audit_chain character varying(64) NOT NULL,
    password_version integer DEFAULT 1 NOT NULL,
    signed_in_at timestamp with time zone
);

CREATE SEQUENCE public.cms_user_id_seq
    AS integer
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;

ALTER SEQUENCE public.cms_user_id_seq OWNED BY public.cms_user.id;

CREATE TABLE public.email_change (
    id integer NOT NULL,
    user_id integer NOT NULL,
    session_id integer,
    mail_id integer,
    email character varying(254) NOT NULL,
    email_key character varying(254) NOT NULL,
    email_version integer NOT NULL,
    nonce character varying(32) NOT NULL,
    old_nonce character varying(32),
    stop_hash character varying(64) NOT NULL,
    asked_at timestamp with time zone NOT NULL,
    expires_at timestamp with time zone NOT NULL,
    tries integer NOT NULL,
    new_proved boolean NOT NULL,
    old_proved boolean NOT NULL,
    is_assisted boolean DEFAULT false NOT NULL,
    started_by integer,
    network character varying(64) DEFAULT ''::character varying NOT NULL,
    browser character varying(200) DEFAULT ''::character varying NOT NULL,
    outcome character varying(10) DEFAULT ''::character varying NOT NULL,
    ended_by character varying(50) DEFAULT ''::character varying NOT NULL
);

CREATE SEQUENCE public.email_change_id_seq
    AS integer
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;

ALTER SEQUENCE public.email_change_id_seq OWNED BY public.email_change.id;

CREATE TABLE public.invitation (
    id integer NOT NULL,
    token_hash character varying(64) NOT NULL,
    email character varying(254) NOT NULL,
    email_key character varying(254) NOT NULL,
    is_superuser boolean NOT NULL,
    invited_by integer NOT NULL,
    created_at timestamp with time zone NOT NULL,
    expires_at timestamp with time zone NOT NULL
);

CREATE SEQUENCE public.invitation_id_seq
    AS integer
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;

ALTER SEQUENCE public.invitation_id_seq OWNED BY public.invitation.id;

CREATE TABLE public.link (
    id integer NOT NULL,
    token_hash character varying(64) NOT NULL,
    purpose character varying(10) NOT NULL,
    user_id integer NOT NULL,
    email character varying(254) NOT NULL,
    email_key character varying(254) NOT NULL,
    email_version integer NOT NULL,
    created_at timestamp with time zone NOT NULL,
    expires_at timestamp with time zone NOT NULL,
    ended_at timestamp with time zone,
    since timestamp with time zone,
    network character varying(64) DEFAULT ''::character varying NOT NULL,
    browser character varying(200) DEFAULT ''::character varying NOT NULL
);

CREATE SEQUENCE public.link_id_seq
    AS integer
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;

ALTER SEQUENCE public.link_id_seq OWNED BY public.link.id;

CREATE TABLE public.login_session (
    id integer NOT NULL,
    id_hash character varying(64) NOT NULL,
    user_id integer NOT NULL,
    remembered boolean NOT NULL,
    created_at timestamp with time zone NOT NULL,
    seen_at timestamp with time zone NOT NULL,
    proved_at timestamp with time zone NOT NULL,
    network character varying(64) NOT NULL,
    browser character varying(200) NOT NULL
);

CREATE SEQUENCE public.login_session_id_seq
    AS integer
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;

ALTER SEQUENCE public.login_session_id_seq OWNED BY public.login_session.id;

CREATE TABLE public.mail (
    id integer NOT NULL,
    message_id character varying(200) NOT NULL,
    kind character varying(40) NOT NULL,
    user_id integer,
    recipient character varying(254) NOT NULL,
    subject text NOT NULL,
    body text NOT NULL,
    html text NOT NULL,
    state character varying(10) NOT NULL,
    created_at timestamp with time zone NOT NULL,
    due_at timestamp with time zone NOT NULL,
    not_after timestamp with time zone NOT NULL,
    tries integer NOT NULL,
    done_at timestamp with time zone,
    problem character varying(200) NOT NULL
);

CREATE SEQUENCE public.mail_id_seq
    AS integer
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;

ALTER SEQUENCE public.mail_id_seq OWNED BY public.mail.id;

ALTER TABLE ONLY public.audit ALTER COLUMN id SET DEFAULT nextval('public.audit_id_seq'::regclass);

ALTER TABLE ONLY public.cms_user ALTER COLUMN id SET DEFAULT nextval('public.cms_user_id_seq'::regclass);

ALTER TABLE ONLY public.email_change ALTER COLUMN id SET DEFAULT nextval('public.email_change_id_seq'::regclass);

ALTER TABLE ONLY public.invitation ALTER COLUMN id SET DEFAULT nextval('public.invitation_id_seq'::regclass);

ALTER TABLE ONLY public.link ALTER COLUMN id SET DEFAULT nextval('public.link_id_seq'::regclass);

ALTER TABLE ONLY public.login_session ALTER COLUMN id SET DEFAULT nextval('public.login_session_id_seq'::regclass);

ALTER TABLE ONLY public.mail ALTER COLUMN id SET DEFAULT nextval('public.mail_id_seq'::regclass);


INSERT INTO public.alembic_version VALUES ('0004');


--
-- Data for Name: audit; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.audit VALUES (1, 1, 1, 'administrator_created', 1, '2026-11-22 01:00:39.160467+00', '2026-11-22 01:00:39.160467+00', 1, '-', 'command line', '{"superuser": true}', 'e71ad4b3afacf67ff5957976d9defcd67a3a2689a713c8f049e58106345c02c8');
INSERT INTO public.audit VALUES (2, 2, 1, 'administrator_created', 2, '2026-11-22 01:00:44.010397+00', '2026-11-22 01:00:44.010397+00', 1, '-', 'command line', '{"superuser": false}', '22e18303fd210ca3382841999d4f5766686b745e32fd05d048da02ddb879040a');
INSERT INTO public.audit VALUES (3, 3, 1, 'administrator_created', 3, '2026-11-22 01:00:47.716765+00', '2026-11-22 01:00:47.716765+00', 1, '-', 'command line', '{"superuser": false}', 'fc3f17a7c4377147086b12b2209156230fe81cd842093b9c40ad97f95aa55f34');
INSERT INTO public.audit VALUES (4, 4, 1, 'administrator_created', 4, '2026-11-22 01:00:51.345762+00', '2026-11-22 01:00:51.345762+00', 1, '-', 'command line', '{"superuser": false}', 'fd6a01c6a68edf6e613ea6a707878207f4c99f17b7ab24e0895159b4a00cb8e2');
INSERT INTO public.audit VALUES (5, 5, 1, 'administrator_created', 5, '2026-11-22 01:00:56.698398+00', '2026-11-22 01:00:56.698398+00', 1, '-', 'command line', '{"superuser": false}', '49f7c93d0dfa1db94e1339e43f224c07794daf39480acbbc2d0dd0f5cce94004');
INSERT INTO public.audit VALUES (6, 6, 1, 'administrator_created', 6, '2026-11-22 01:01:04.117258+00', '2026-11-22 01:01:04.117258+00', 1, '-', 'command line', '{"superuser": false}', '40678c124dc218afadac617df2c52a4274dc8bc2b4afa0458deff0eea66b99f9');
INSERT INTO public.audit VALUES (7, 1, 2, 'signed_in', 1, '2026-11-22 01:01:11.478291+00', '2026-11-22 01:01:11.478291+00', 1, '127.0.0.1', 'Chrome 156, Linux', '{}', '51ad3d8fbedc518ee306bcd96643ed0460b525b53613ae162ecf705585a142ba');
INSERT INTO public.audit VALUES (8, 2, 2, 'signed_in', 2, '2026-11-22 01:01:11.691683+00', '2026-11-22 01:01:11.691683+00', 1, '127.0.0.1', 'Chrome 156, Linux', '{}', 'b0784f6e46bb069a7d8395008901010e4e7ec02bcbff6f45090e0bcaaeed9a91');
INSERT INTO public.audit VALUES (9, 3, 2, 'signed_in', 3, '2026-11-22 01:01:11.843407+00', '2026-11-22 01:01:11.843407+00', 1, '127.0.0.1', 'Chrome 156, Linux', '{}', '60b21588c5f030f59ba864cee9332d391232119f489d0e0292ab6cb3219f2fef');
INSERT INTO public.audit VALUES (10, 5, 2, 'signed_in', 5, '2026-11-22 01:01:11.95121+00', '2026-11-22 01:01:11.95121+00', 1, '127.0.0.1', 'Chrome 156, Linux', '{}', '305333f8b1814961908ec154e3c672837fa018c23a8ef99e105a7dbc29d9621f');
INSERT INTO public.audit VALUES (11, 3, 3, 'code_requested', 3, '2026-11-22 01:01:12.200399+00', '2026-11-22 01:01:12.200399+00', 1, '127.0.0.1', 'Chrome 156, Linux', '{"email": "carol.new@example.com"}', 'fc7b42b841f9847fb49adc3dfe664d05965765e690406796bcba8491280c63a4');
INSERT INTO public.audit VALUES (12, 3, 4, 'code_wrong', 3, '2026-11-22 01:01:15.962425+00', '2026-11-22 01:01:15.962425+00', 1, '127.0.0.1', 'Chrome 156, Linux', '{"email": "carol.new@example.com"}', 'fda916dce6f89cef7073481a0c0a680c313c6911a7cf8608c1641bb63345d8e4');
INSERT INTO public.audit VALUES (13, 3, 5, 'email_changed', 3, '2026-11-22 01:01:16.01857+00', '2026-11-22 01:01:16.01857+00', 1, '127.0.0.1', 'Chrome 156, Linux', '{"new": "carol.new@example.com", "old": "carol@example.com"}', '989a35174a7b9b751ab70fb2ea8c61fd3a927a2579e38d476b198d12ab1ec474');
INSERT INTO public.audit VALUES (14, 2, 3, 'code_requested', 2, '2026-11-22 01:01:20.724155+00', '2026-11-22 01:01:20.724155+00', 1, '127.0.0.1', 'Chrome 156, Linux', '{"email": "bob.new@example.com"}', 'cb241f1e3e1181888d09e80f265284be924913e5a0b70c4260b38ee2ed3061f4');
INSERT INTO public.audit VALUES (15, 2, 4, 'code_wrong', 2, '2026-11-22 01:01:22.875159+00', '2026-11-22 01:01:22.875159+00', 1, '127.0.0.1', 'Chrome 156, Linux', '{"email": "bob.new@example.com"}', '9de0542d713097c50a861f003013ab7dd83b4260b29176fc7dbc093e33539ced');
INSERT INTO public.audit VALUES (16, 1, 3, 'invitation_sent', 1, '2026-11-22 01:01:26.223322+00', '2026-11-22 01:01:26.223322+00', 1, '127.0.0.1', 'Chrome 156, Linux', '{"email": "gus@example.com", "superuser": false}', 'f24996b80c048bdddeea006a32cce84a946fb366bcf286486b91458472ccdc99');
INSERT INTO public.audit VALUES (17, 6, 2, 'change_started', 1, '2026-11-22 01:01:30.434837+00', '2026-11-22 01:01:30.434837+00', 1, '127.0.0.1', 'Chrome 156, Linux', '{"by": "ann", "email": "fay.new@example.com", "reason": "lost her mailbox"}', '5ec50d20db9e791be2a7f62037e59e84d188fe64c72be7a3bfc7f488cc150130');
INSERT INTO public.audit VALUES (18, 5, 3, 'signed_out', 5, '2026-11-22 01:01:31.299833+00', '2026-11-22 01:01:31.299833+00', 1, '127.0.0.1', 'Chrome 156, Linux', '{}', 'f81eacbecbcb4ee68f33af72e1114a3cbee9fca17a31f20ccb60a84e0ba93a79');
INSERT INTO public.audit VALUES (19, 5, 4, 'sign_in_failed', 5, '2026-11-22 01:01:30.563581+00', '2026-11-22 01:01:31.240933+00', 3, '127.0.0.1', 'Chrome 156, Linux', '{}', 'c7b5aad7e4494bb18f62a0be7f61e03c0ae34e975467f902ab532d822531093c');


--
-- Data for Name: budget; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.budget VALUES ('2473c4d9ad1cd8e2779b13295bba09a8487b72b57daf50f3dc21580436ef0fcf', 1, '2026-11-22 01:01:12.095827+00', '2026-11-22 02:01:12.095827+00');
INSERT INTO public.budget VALUES ('4d52d9181fbecfde1d766b282dcbaee9baf05cb04ac36c518732dafaf34ff2e5', 1, '2026-11-22 01:01:12.095827+00', '2026-11-22 02:01:12.095827+00');
INSERT INTO public.budget VALUES ('d13fe704acec3384faeaf4a12fe898418d7fd387d178ad136c841af9354f8a4d', 1, '2026-11-22 01:01:12.095827+00', '2026-11-23 01:01:12.095827+00');
INSERT INTO public.budget VALUES ('0c938d5a29069cb229fc7ed3880b5c4aef52721bda6d9ead5f72edd3716cde15', 2, '2026-11-22 01:01:16.014754+00', '2026-11-23 01:01:15.959469+00');
INSERT INTO public.budget VALUES ('2319e8a1d3803deb9815b114c1ceb0b62e7e29df8b51946fb38bfbf60d001dd1', 2, '2026-11-22 01:01:16.014754+00', '2026-11-23 01:01:15.959469+00');
INSERT INTO public.budget VALUES ('2beefded8416fa255543a5a93bc420c16fa09e175b428f7a8346660d9a1bea66', 1, '2026-11-22 01:01:20.712671+00', '2026-11-22 02:01:20.712671+00');
INSERT INTO public.budget VALUES ('dae428aad6b057aa354b438cded2fb1f9f751241e07ea2b6cfd114e1a72a0bbc', 2, '2026-11-22 01:01:20.712671+00', '2026-11-22 02:01:12.095827+00');
INSERT INTO public.budget VALUES ('e819d40996c06513a021915c4c30e8b40f86a5af9327eab3416a226befa66821', 1, '2026-11-22 01:01:20.712671+00', '2026-11-23 01:01:20.712671+00');
INSERT INTO public.budget VALUES ('f93053a5efb0f6a56d39b909e33035986c106896a08d32b2c8f9bc5ea6a60e46', 1, '2026-11-22 01:01:20.712671+00', '2026-11-22 02:01:20.712671+00');
INSERT INTO public.budget VALUES ('603f9f295bc34c1ee937907c707ba1950ce7a57459f736417282d63fff5f63ab', 1, '2026-11-22 01:01:22.873443+00', '2026-11-23 01:01:22.873443+00');
INSERT INTO public.budget VALUES ('82f509c0124e30f87d49ec82f74ebca65a372fb8c5064da17184aab721e675c1', 1, '2026-11-22 01:01:22.873443+00', '2026-11-23 01:01:22.873443+00');
INSERT INTO public.budget VALUES ('ae32f60042d346b17fc9d7850f725f342f2030863d1830420e2d8a8541ec0ea2', 1, '2026-11-22 01:01:26.181801+00', '2026-11-22 02:01:26.181801+00');


--
-- Data for Name: cms_user; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.cms_user VALUES (4, 'dan', 'dan', 'dan@example.com', 'dan@example.com', 1, '$argon2id$v=19$m=19456,t=2,p=1$5WY0VIS1JskK+n8eko/1bg$iPiBARI74Nw4u6KEFRLLYTIrxog4yCG8xwxvOTniFhc', false, true, NULL, NULL, NULL, NULL, NULL, '[]', 1, '2026-11-22 01:00:51.336001+00', '2026-11-22 01:00:51.336001+00', NULL, 1, 'fd6a01c6a68edf6e613ea6a707878207f4c99f17b7ab24e0895159b4a00cb8e2', 1, NULL);
INSERT INTO public.cms_user VALUES (2, 'bob', 'bob', 'bob@example.com', 'bob@example.com', 1, '$argon2id$v=19$m=19456,t=2,p=1$LXodaHW412kexAxiO3aT/Q$2a+deGmDoymX1Jw4olyRN9N2Q0B5hnzvhyEJIpE01xU', false, true, NULL, NULL, NULL, NULL, NULL, '[]', 1, '2026-11-22 01:00:44.002053+00', '2026-11-22 01:01:22.870494+00', NULL, 4, '9de0542d713097c50a861f003013ab7dd83b4260b29176fc7dbc093e33539ced', 1, '2026-11-22 01:01:11.691672+00');
INSERT INTO public.cms_user VALUES (1, 'ann', 'ann', 'ann@example.com', 'ann@example.com', 1, '$argon2id$v=19$m=19456,t=2,p=1$Txy8sQXOkF4+qUcK08jutQ$Y7zrmsbOt/HtgTx09BKE16CoLVSAiRWa+t6eo4zqgQU', true, true, NULL, NULL, NULL, NULL, NULL, '[]', 1, '2026-11-22 01:00:39.151173+00', '2026-11-22 01:01:30.341039+00', NULL, 3, 'f24996b80c048bdddeea006a32cce84a946fb366bcf286486b91458472ccdc99', 1, '2026-11-22 01:01:11.478272+00');
INSERT INTO public.cms_user VALUES (6, 'fay', 'fay', 'fay@example.com', 'fay@example.com', 1, '$argon2id$v=19$m=19456,t=2,p=1$U3uLAXvriUYv+yDvBcJl6g$tQA4FCLuACstEUCbPl9V/qTToNmCKhDfFGiczlTY5Po', false, true, NULL, NULL, NULL, NULL, NULL, '[]', 1, '2026-11-22 01:01:04.112132+00', '2026-11-22 01:01:30.341039+00', NULL, 2, '5ec50d20db9e791be2a7f62037e59e84d188fe64c72be7a3bfc7f488cc150130', 1, NULL);
INSERT INTO public.cms_user VALUES (3, 'carol', 'carol', 'carol.new@example.com', 'carol.new@example.com', 2, '$argon2id$v=19$m=19456,t=2,p=1$Mg4xSeZXj9ivESjGtmgx8Q$uw/dFKOusKwmtrhyooYaIielnJ78CjvO90Z4RLcgE60', false, true, NULL, NULL, NULL, NULL, NULL, '[]', 1, '2026-11-22 01:00:47.691434+00', '2026-11-22 01:01:16.003848+00', NULL, 5, '989a35174a7b9b751ab70fb2ea8c61fd3a927a2579e38d476b198d12ab1ec474', 1, '2026-11-22 01:01:11.843393+00');
INSERT INTO public.cms_user VALUES (5, 'eve', 'eve', 'eve@example.com', 'eve@example.com', 1, '$argon2id$v=19$m=19456,t=2,p=1$LFbhb9aqgcgzF73PXmlSjQ$bj1LkfSosVlBGuUzHXLPt/Qn9iAsZjTCNpKKXnoFO5I', false, true, NULL, NULL, NULL, NULL, NULL, '[]', 1, '2026-11-22 01:00:56.681142+00', '2026-11-22 01:01:34.313029+00', NULL, 4, 'c7b5aad7e4494bb18f62a0be7f61e03c0ae34e975467f902ab532d822531093c', 1, '2026-11-22 01:01:11.951199+00');


--
-- Data for Name: email_change; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.email_change VALUES (1, 3, 3, 1, 'carol.new@example.com', 'carol.new@example.com', 1, 'da83258ba2187f135bedfa7366d33228', NULL, '94f45eefafdefacc1360e47a07e5c4f96d27850e600c15fa17fc228b40e9346f', '2026-11-22 01:01:12.191085+00', '2026-11-22 01:11:12.102967+00', 2, false, true, false, NULL, '127.0.0.1', 'Chrome 156, Linux', 'made', '');
INSERT INTO public.email_change VALUES (2, 2, 2, 4, 'bob.new@example.com', 'bob.new@example.com', 1, 'abf86569249c1264725ff53ba7840ab2', NULL, '2e01e53c1fb49f73f69ba2a1673a59733e400861a12e210e7096b5890ea365f8', '2026-11-22 01:01:20.723456+00', '2026-11-22 01:11:20.714+00', 1, false, true, false, NULL, '127.0.0.1', 'Chrome 156, Linux', '', '');
INSERT INTO public.email_change VALUES (3, 6, NULL, 8, 'fay.new@example.com', 'fay.new@example.com', 1, '', NULL, '35a5f483bbff15fb20bd6cd7af8c19259c2a6c0c45ae8b9a0fedd4defdb3407b', '2026-11-22 01:01:30.433222+00', '2026-11-26 01:01:30.365354+00', 0, false, false, true, 1, '127.0.0.1', 'Chrome 156, Linux', '', '');


--
-- Data for Name: invitation; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.invitation VALUES (1, 'a73f4803d1c596a469f527accb49c5b5cb7c36684bbd743443fa2a5a3febc9c2', 'gus@example.com', 'gus@example.com', false, 1, '2026-11-22 01:01:26.184798+00', '2026-11-25 01:01:26.184798+00');


--
-- Data for Name: link; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.link VALUES (1, '526a28c738ec96f10d6b25fcd6cca7b45da40cd23b0564ac7680590103f77ee9', 'undo', 3, 'carol@example.com', 'carol@example.com', 2, '2026-11-22 01:01:16.035349+00', '2026-11-29 01:01:16.035349+00', NULL, '2026-11-22 01:01:12.191085+00', '127.0.0.1', 'Chrome 156, Linux');
INSERT INTO public.link VALUES (2, '89431e0cccb3914f44075d2e65bb9fa69191fbc6572371c4cc4245439a2b76d9', 'prove', 6, 'fay.new@example.com', 'fay.new@example.com', 1, '2026-11-22 01:01:30.376855+00', '2026-11-26 01:01:30.376855+00', NULL, NULL, '', '');


--
-- Data for Name: login_session; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.login_session VALUES (1, 'b5f872e74dd313ff66387b2746b959817d2464801fcfb25bef763e376a0c039c', 1, false, '2026-11-22 01:01:11.478048+00', '2026-11-22 01:01:11.478048+00', '2026-11-22 01:01:11.478048+00', '127.0.0.1', 'Chrome 156, Linux');
INSERT INTO public.login_session VALUES (2, '668bfe6ecd50aa0a65f25447614ad56956e4e8471b4b8604996e2caf88233110', 2, false, '2026-11-22 01:01:11.691493+00', '2026-11-22 01:01:11.691493+00', '2026-11-22 01:01:11.691493+00', '127.0.0.1', 'Chrome 156, Linux');
INSERT INTO public.login_session VALUES (3, '8f7a80c2b64aa6c2d3a84026d56454656b69618b882606e65399b2adc99be8d7', 3, false, '2026-11-22 01:01:11.843196+00', '2026-11-22 01:01:11.843196+00', '2026-11-22 01:01:11.843196+00', '127.0.0.1', 'Chrome 156, Linux');


--
-- Data for Name: mail; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.mail VALUES (1, '<179530927214.3720.7777942639571837494@example.net>', 'code', 3, 'carol.new@example.com', '', '', '', 'sent', '2026-11-22 01:01:12.145651+00', '2026-11-22 01:03:44.785073+00', '2026-11-22 01:11:12.102967+00', 1, '2026-11-22 01:01:14.847042+00', '');
INSERT INTO public.mail VALUES (2, '<179530927218.3720.9590269702810590775@example.net>', 'heads_up', 3, 'carol@example.com', '', '', '', 'sent', '2026-11-22 01:01:12.183633+00', '2026-11-22 01:03:44.859061+00', '2026-11-22 01:11:12.157545+00', 1, '2026-11-22 01:01:14.885845+00', '');
INSERT INTO public.mail VALUES (3, '<179530927606.3720.5458083320707020810@example.net>', 'changed', 3, 'carol@example.com', '', '', '', 'sent', '2026-11-22 01:01:16.069755+00', '2026-11-22 01:03:49.242718+00', '2026-11-25 01:01:16.069755+00', 1, '2026-11-22 01:01:19.297745+00', '');
INSERT INTO public.mail VALUES (8, '<179530929043.3720.9279468684192143371@example.net>', 'assisted_proof', 6, 'fay.new@example.com', '请确认您的新邮箱', 'fay，您好：

已为您发起邮箱修改，将把您账号的邮箱修改为此邮箱。请通过此链接完成修改：

http://127.0.0.1:28169/cms/resetemail/prove/5pm3hl9OUZE8DW2HRx_SHd5klVpoPJFiHBMezyEKR9M/

时间：2026-11-22 01:01 UTC
操作人：ann

如果您不知情，请忽略此邮件，不会有任何改动。

-- 
账号中心 · 127.0.0.1:28169
', '<!doctype html>
<html lang="zh">
  <head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <meta name="color-scheme" content="light dark">
    <title>账号中心</title>
  </head>
  <body style="margin:0;padding:24px 12px;font-family:-apple-system,''Segoe UI'',Roboto,''PingFang SC'',''Microsoft YaHei'',''Noto Sans CJK SC'',sans-serif;font-size:16px;line-height:1.6">
    <div style="max-width:560px;margin:0 auto;padding:24px;border:1px solid #c9cede;border-radius:12px">
      <p style="margin:0 0 20px;padding-bottom:12px;border-bottom:1px solid #c9cede;font-weight:bold;overflow-wrap:anywhere">账号中心 · 127.0.0.1:28169</p>
      
<p>fay，您好：</p>
<p>已为您发起邮箱修改，将把您账号的邮箱修改为此邮箱。请通过此链接完成修改：</p>
<p style="margin:20px 0"><a href="http://127.0.0.1:28169/cms/resetemail/prove/5pm3hl9OUZE8DW2HRx_SHd5klVpoPJFiHBMezyEKR9M/" style="display:inline-block;padding:12px 24px;border:1px solid #2f6fde;border-radius:8px;background-color:#2f6fde;color:#ffffff;font-weight:bold;text-decoration:none">确认新邮箱</a></p>
<p style="font-size:14px">如果按钮无法点击，请打开以下网址：<br><a href="http://127.0.0.1:28169/cms/resetemail/prove/5pm3hl9OUZE8DW2HRx_SHd5klVpoPJFiHBMezyEKR9M/" style="color:inherit;word-break:break-all">http://127.0.0.1:28169/cms/resetemail/prove/5pm3hl9OUZE8DW2HRx_SHd5klVpoPJFiHBMezyEKR9M/</a></p>
<p style="padding-left:12px;border-left:3px solid #8a93b0;overflow-wrap:anywhere">时间：2026-11-22 01:01 UTC<br>
操作人：ann</p>
<p>如果您不知情，请忽略此邮件，不会有任何改动。</p>

    </div>
  </body>
</html>', 'queued', '2026-11-22 01:01:30.431353+00', '2026-11-23 01:01:30.365354+00', '2026-11-26 01:01:30.365354+00', 0, NULL, '');
INSERT INTO public.mail VALUES (4, '<179530928072.3720.7147142416599619983@example.net>', 'code', 2, 'bob.new@example.com', '', '', '', 'sent', '2026-11-22 01:01:20.720989+00', '2026-11-22 01:03:52.171322+00', '2026-11-22 01:11:20.714+00', 1, '2026-11-22 01:01:22.20112+00', '');
INSERT INTO public.mail VALUES (5, '<179530928072.3720.9773270244138739579@example.net>', 'heads_up', 2, 'bob@example.com', '', '', '', 'sent', '2026-11-22 01:01:20.722774+00', '2026-11-22 01:03:52.205245+00', '2026-11-22 01:11:20.722007+00', 1, '2026-11-22 01:01:22.218775+00', '');
INSERT INTO public.mail VALUES (6, '<179530928622.3720.3161030915194788265@example.net>', 'invitation', 1, 'gus@example.com', '', '', '', 'sent', '2026-11-22 01:01:26.220377+00', '2026-11-22 01:03:58.771402+00', '2026-11-25 01:01:26.184798+00', 1, '2026-11-22 01:01:28.844738+00', '');
INSERT INTO public.mail VALUES (7, '<179530929040.3720.2064962168661989584@example.net>', 'assisted', 6, 'fay@example.com', '', '', '', 'sent', '2026-11-22 01:01:30.405986+00', '2026-11-22 01:04:04.191048+00', '2026-11-25 01:01:30.405986+00', 1, '2026-11-22 01:01:34.225749+00', '');
INSERT INTO public.mail VALUES (12, '<179530929527.3725.14955651148807641626@example.net>', 'errand:password_link', NULL, 'dan@example.com', '', '{"where": {"network": "127.0.0.1", "browser": "Chrome 156, Linux", "site": "http://127.0.0.1:28169"}, "language": "zh"}', '', 'queued', '2026-11-22 01:01:35.278503+00', '2026-11-22 01:01:35.278503+00', '2026-11-25 01:01:35.278503+00', 0, NULL, '');


--
-- Name: audit_id_seq; Type: SEQUENCE SET; Schema: public; Owner: -
--

SELECT pg_catalog.setval('public.audit_id_seq', 19, true);

SELECT pg_catalog.setval('public.cms_user_id_seq', 6, true);

SELECT pg_catalog.setval('public.email_change_id_seq', 3, true);

SELECT pg_catalog.setval('public.invitation_id_seq', 1, true);

SELECT pg_catalog.setval('public.link_id_seq', 2, true);

SELECT pg_catalog.setval('public.login_session_id_seq', 4, true);

SELECT pg_catalog.setval('public.mail_id_seq', 12, true);

ALTER TABLE ONLY public.alembic_version
    ADD CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num);

ALTER TABLE ONLY public.audit
    ADD CONSTRAINT pk_audit PRIMARY KEY (id);

ALTER TABLE ONLY public.budget
    ADD CONSTRAINT pk_budget PRIMARY KEY (key);

ALTER TABLE ONLY public.cms_user
    ADD CONSTRAINT pk_cms_user PRIMARY KEY (id);

ALTER TABLE ONLY public.email_change
    ADD CONSTRAINT pk_email_change PRIMARY KEY (id);

ALTER TABLE ONLY public.invitation
    ADD CONSTRAINT pk_invitation PRIMARY KEY (id);

ALTER TABLE ONLY public.link
    ADD CONSTRAINT pk_link PRIMARY KEY (id);

ALTER TABLE ONLY public.login_session
    ADD CONSTRAINT pk_login_session PRIMARY KEY (id);

ALTER TABLE ONLY public.mail
    ADD CONSTRAINT pk_mail PRIMARY KEY (id);

ALTER TABLE ONLY public.audit
    ADD CONSTRAINT uq_audit_user_id_number UNIQUE (user_id, number);

ALTER TABLE ONLY public.cms_user
    ADD CONSTRAINT uq_cms_user_email_key UNIQUE (email_key);

ALTER TABLE ONLY public.cms_user
    ADD CONSTRAINT uq_cms_user_username_key UNIQUE (username_key);

ALTER TABLE ONLY public.email_change
    ADD CONSTRAINT uq_email_change_stop_hash UNIQUE (stop_hash);

ALTER TABLE ONLY public.email_change
    ADD CONSTRAINT uq_email_change_user_id UNIQUE (user_id);

ALTER TABLE ONLY public.invitation
    ADD CONSTRAINT uq_invitation_email_key UNIQUE (email_key);

ALTER TABLE ONLY public.invitation
    ADD CONSTRAINT uq_invitation_token_hash UNIQUE (token_hash);

ALTER TABLE ONLY public.link
    ADD CONSTRAINT uq_link_token_hash UNIQUE (token_hash);

ALTER TABLE ONLY public.login_session
    ADD CONSTRAINT uq_login_session_id_hash UNIQUE (id_hash);

ALTER TABLE ONLY public.mail
    ADD CONSTRAINT uq_mail_message_id UNIQUE (message_id);

CREATE INDEX ix_audit_actor_id_at ON public.audit USING btree (actor_id, at);

CREATE INDEX ix_budget_resets_at ON public.budget USING btree (resets_at);

CREATE INDEX ix_cms_user_created_at ON public.cms_user USING btree (created_at);

CREATE INDEX ix_email_change_expires_at ON public.email_change USING btree (expires_at);

CREATE INDEX ix_email_change_is_assisted ON public.email_change USING btree (asked_at, id) WHERE is_assisted;

CREATE INDEX ix_email_change_mail_id ON public.email_change USING btree (mail_id);

CREATE INDEX ix_email_change_session_id ON public.email_change USING btree (session_id);

CREATE INDEX ix_email_change_started_by ON public.email_change USING btree (started_by);

CREATE INDEX ix_invitation_created_at ON public.invitation USING btree (created_at);

CREATE INDEX ix_invitation_expires_at ON public.invitation USING btree (expires_at);

CREATE INDEX ix_link_email_key ON public.link USING btree (email_key);

CREATE INDEX ix_link_ended_at ON public.link USING btree (ended_at);

CREATE INDEX ix_link_expires_at ON public.link USING btree (expires_at);

CREATE INDEX ix_link_user_id_purpose ON public.link USING btree (user_id, purpose);

CREATE INDEX ix_login_session_remembered_created_at ON public.login_session USING btree (remembered, created_at);

CREATE INDEX ix_login_session_remembered_seen_at ON public.login_session USING btree (remembered, seen_at);

CREATE INDEX ix_login_session_user_id ON public.login_session USING btree (user_id);

CREATE INDEX ix_mail_done_at ON public.mail USING btree (done_at);

CREATE INDEX ix_mail_state_due_at ON public.mail USING btree (state, due_at);

CREATE INDEX ix_mail_user_id ON public.mail USING btree (user_id);

ALTER TABLE ONLY public.audit
    ADD CONSTRAINT fk_audit_user_id FOREIGN KEY (user_id) REFERENCES public.cms_user(id);

ALTER TABLE ONLY public.email_change
    ADD CONSTRAINT fk_email_change_mail_id FOREIGN KEY (mail_id) REFERENCES public.mail(id) ON DELETE SET NULL;

ALTER TABLE ONLY public.email_change
    ADD CONSTRAINT fk_email_change_session_id FOREIGN KEY (session_id) REFERENCES public.login_session(id) ON DELETE SET NULL;

ALTER TABLE ONLY public.email_change
    ADD CONSTRAINT fk_email_change_started_by FOREIGN KEY (started_by) REFERENCES public.cms_user(id) ON DELETE SET NULL;

ALTER TABLE ONLY public.email_change
    ADD CONSTRAINT fk_email_change_user_id FOREIGN KEY (user_id) REFERENCES public.cms_user(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.invitation
    ADD CONSTRAINT fk_invitation_invited_by FOREIGN KEY (invited_by) REFERENCES public.cms_user(id);

ALTER TABLE ONLY public.link
    ADD CONSTRAINT fk_link_user_id FOREIGN KEY (user_id) REFERENCES public.cms_user(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.login_session
    ADD CONSTRAINT fk_login_session_user_id FOREIGN KEY (user_id) REFERENCES public.cms_user(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.mail
    ADD CONSTRAINT fk_mail_user_id FOREIGN KEY (user_id) REFERENCES public.cms_user(id) ON DELETE CASCADE;

