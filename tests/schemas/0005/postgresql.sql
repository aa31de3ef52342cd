
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
    signed_in_at timestamp with time zone,
    time_zone character varying(64)
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


INSERT INTO public.alembic_version VALUES ('0005');


--
-- Data for Name: audit; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.audit VALUES (1, 1, 1, 'administrator_created', NULL, '2026-11-22 01:04:13.724918+00', '2026-11-22 01:04:13.724918+00', 1, '-', 'command line', '{"superuser": true}', '9c1f73f396feaef8726405868ebe281c41a95bd2b54598bae82cc512c5730220');
INSERT INTO public.audit VALUES (2, 2, 1, 'administrator_created', NULL, '2026-11-22 01:04:27.073939+00', '2026-11-22 01:04:27.073939+00', 1, '-', 'command line', '{"superuser": false}', '0a0335a049856a32a6044b6822b60e9af6e8b7d9f2ce0a1d13673ff957095cc8');
INSERT INTO public.audit VALUES (3, 3, 1, 'administrator_created', NULL, '2026-11-22 01:04:36.614507+00', '2026-11-22 01:04:36.614507+00', 1, '-', 'command line', '{"superuser": false}', 'f822fedf206cf3790eeb734f42c3de7314cdf617d9ccef9573e6404915c0904a');
INSERT INTO public.audit VALUES (4, 4, 1, 'administrator_created', NULL, '2026-11-22 01:04:49.225792+00', '2026-11-22 01:04:49.225792+00', 1, '-', 'command line', '{"superuser": false}', '5c65091cfa06a092644be00013cf072be2e88fb3fb85e4330b8c05016c44bb6f');
INSERT INTO public.audit VALUES (5, 5, 1, 'administrator_created', NULL, '2026-11-22 01:05:01.365078+00', '2026-11-22 01:05:01.365078+00', 1, '-', 'command line', '{"superuser": false}', '081dfb6eb9375c469314ded5b4c7c5a25246f3367926ede598081060d4d02240');
INSERT INTO public.audit VALUES (6, 6, 1, 'administrator_created', NULL, '2026-11-22 01:05:14.851241+00', '2026-11-22 01:05:14.851241+00', 1, '-', 'command line', '{"superuser": false}', '62e60f38cbefab8bd54290434cd275619ff1331989a4105772c0a3ec21f5c568');
INSERT INTO public.audit VALUES (7, 1, 2, 'signed_in', 1, '2026-11-22 01:05:29.393685+00', '2026-11-22 01:05:29.393685+00', 1, '127.0.0.1', 'Chrome 156, Linux', '{}', '15c7a87424639785571990f95c56e7e65225184c01e543017268489aaec08dfe');
INSERT INTO public.audit VALUES (8, 2, 2, 'signed_in', 2, '2026-11-22 01:05:29.555023+00', '2026-11-22 01:05:29.555023+00', 1, '127.0.0.1', 'Chrome 156, Linux', '{}', '02f7adba8600d1229c0b05b5e03bc95334adbd12290a5fc2d58629fd4b778440');
INSERT INTO public.audit VALUES (9, 3, 2, 'signed_in', 3, '2026-11-22 01:05:29.762176+00', '2026-11-22 01:05:29.762176+00', 1, '127.0.0.1', 'Chrome 156, Linux', '{}', '7298616338f02dc51434c35f3c7c1b91f6df36fc3cb91b0f4ac16d969d37f607');
INSERT INTO public.audit VALUES (10, 5, 2, 'signed_in', 5, '2026-11-22 01:05:29.955339+00', '2026-11-22 01:05:29.955339+00', 1, '127.0.0.1', 'Chrome 156, Linux', '{}', '8938aaecf998bd31ddce014799f70fe54feae8504bd71224ef6aeed60bd7391e');
INSERT INTO public.audit VALUES (11, 3, 3, 'code_requested', 3, '2026-11-22 01:05:30.391349+00', '2026-11-22 01:05:30.391349+00', 1, '127.0.0.1', 'Chrome 156, Linux', '{"email": "carol.new@example.com"}', '06cf69a6af74e14d26b9fb06d10fc1d8be1783f49df8742d473a3dd387087222');
INSERT INTO public.audit VALUES (12, 3, 4, 'code_wrong', 3, '2026-11-22 01:05:39.117685+00', '2026-11-22 01:05:39.117685+00', 1, '127.0.0.1', 'Chrome 156, Linux', '{"email": "carol.new@example.com"}', 'f91f0d272e7cbfe97e699b1996066805ff93ade28da3d6a78fb4cb41a7070ee6');
INSERT INTO public.audit VALUES (13, 3, 5, 'email_changed', 3, '2026-11-22 01:05:39.167433+00', '2026-11-22 01:05:39.167433+00', 1, '127.0.0.1', 'Chrome 156, Linux', '{"new": "carol.new@example.com", "old": "carol@example.com"}', 'ec6478b50ab999f74ede47456e18cac574f29a62422f0c428dbbdf2d03725051');
INSERT INTO public.audit VALUES (14, 2, 3, 'code_requested', 2, '2026-11-22 01:05:45.687869+00', '2026-11-22 01:05:45.687869+00', 1, '127.0.0.1', 'Chrome 156, Linux', '{"email": "bob.new@example.com"}', '6b1e4f1cde3868152bab5d49b7fa0f93733d7357af114ac32c244bb205051f7c');
INSERT INTO public.audit VALUES (15, 2, 4, 'code_wrong', 2, '2026-11-22 01:05:49.517326+00', '2026-11-22 01:05:49.517326+00', 1, '127.0.0.1', 'Chrome 156, Linux', '{"email": "bob.new@example.com"}', '871e3925be134ba6aaa6cd726ec1f78da6171ff40244cb2a13e1fe69abb43cf7');
INSERT INTO public.audit VALUES (16, 1, 3, 'invitation_sent', 1, '2026-11-22 01:05:53.200868+00', '2026-11-22 01:05:53.200868+00', 1, '127.0.0.1', 'Chrome 156, Linux', '{"email": "gus@example.com", "superuser": false}', '06bd65bb47cf729696be9db73ce4f2cb931bc72c87377ab629f0588263cd5944');
INSERT INTO public.audit VALUES (17, 6, 2, 'change_started', 1, '2026-11-22 01:05:57.923118+00', '2026-11-22 01:05:57.923118+00', 1, '127.0.0.1', 'Chrome 156, Linux', '{"by": "ann", "email": "fay.new@example.com", "reason": "lost her mailbox"}', '17971dc786522dab9c08a564a5e5bf707634529aba30231ed3d639a5a4afae06');
INSERT INTO public.audit VALUES (18, 5, 3, 'signed_out', 5, '2026-11-22 01:05:58.870967+00', '2026-11-22 01:05:58.870967+00', 1, '127.0.0.1', 'Chrome 156, Linux', '{}', 'f3d6ecdfb9347d7ae84ee88a3a3c8aa12b9442e6d8afd83f92c0150f04e51119');
INSERT INTO public.audit VALUES (19, 5, 4, 'sign_in_failed', 5, '2026-11-22 01:05:58.448181+00', '2026-11-22 01:05:58.773194+00', 3, '127.0.0.1', 'Chrome 156, Linux', '{}', '7d47583101ccfa04af1496fe0a62638ddc422dd80c393b5b1a421c861ca4b5a2');


--
-- Data for Name: budget; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.budget VALUES ('2473c4d9ad1cd8e2779b13295bba09a8487b72b57daf50f3dc21580436ef0fcf', 1, '2026-11-22 01:05:30.230033+00', '2026-11-22 02:05:30.230033+00');
INSERT INTO public.budget VALUES ('4d52d9181fbecfde1d766b282dcbaee9baf05cb04ac36c518732dafaf34ff2e5', 1, '2026-11-22 01:05:30.230033+00', '2026-11-22 02:05:30.230033+00');
INSERT INTO public.budget VALUES ('d13fe704acec3384faeaf4a12fe898418d7fd387d178ad136c841af9354f8a4d', 1, '2026-11-22 01:05:30.230033+00', '2026-11-23 01:05:30.230033+00');
INSERT INTO public.budget VALUES ('0c938d5a29069cb229fc7ed3880b5c4aef52721bda6d9ead5f72edd3716cde15', 2, '2026-11-22 01:05:39.161219+00', '2026-11-23 01:05:39.096367+00');
INSERT INTO public.budget VALUES ('2319e8a1d3803deb9815b114c1ceb0b62e7e29df8b51946fb38bfbf60d001dd1', 2, '2026-11-22 01:05:39.161219+00', '2026-11-23 01:05:39.096367+00');
INSERT INTO public.budget VALUES ('2beefded8416fa255543a5a93bc420c16fa09e175b428f7a8346660d9a1bea66', 1, '2026-11-22 01:05:45.674086+00', '2026-11-22 02:05:45.674086+00');
INSERT INTO public.budget VALUES ('dae428aad6b057aa354b438cded2fb1f9f751241e07ea2b6cfd114e1a72a0bbc', 2, '2026-11-22 01:05:45.674086+00', '2026-11-22 02:05:30.230033+00');
INSERT INTO public.budget VALUES ('e819d40996c06513a021915c4c30e8b40f86a5af9327eab3416a226befa66821', 1, '2026-11-22 01:05:45.674086+00', '2026-11-23 01:05:45.674086+00');
INSERT INTO public.budget VALUES ('f93053a5efb0f6a56d39b909e33035986c106896a08d32b2c8f9bc5ea6a60e46', 1, '2026-11-22 01:05:45.674086+00', '2026-11-22 02:05:45.674086+00');
INSERT INTO public.budget VALUES ('603f9f295bc34c1ee937907c707ba1950ce7a57459f736417282d63fff5f63ab', 1, '2026-11-22 01:05:49.51615+00', '2026-11-23 01:05:49.51615+00');
INSERT INTO public.budget VALUES ('82f509c0124e30f87d49ec82f74ebca65a372fb8c5064da17184aab721e675c1', 1, '2026-11-22 01:05:49.51615+00', '2026-11-23 01:05:49.51615+00');
INSERT INTO public.budget VALUES ('ae32f60042d346b17fc9d7850f725f342f2030863d1830420e2d8a8541ec0ea2', 1, '2026-11-22 01:05:53.163184+00', '2026-11-22 02:05:53.163184+00');


--
-- Data for Name: cms_user; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.cms_user VALUES (5, 'eve', 'eve', 'eve@example.com', 'eve@example.com', 1, '$argon2id$v=19$m=19456,t=2,p=1$fO8Nk7CQlF54iX/Mz/vmaw$OTSfNp6JvhVkQ3tuv3oFfhmQapaoFCwgsWOYq5t/XsA', false, true, NULL, NULL, NULL, NULL, NULL, '[]', 1, '2026-11-22 01:05:01.03258+00', '2026-11-22 01:05:58.448181+00', NULL, 4, '7d47583101ccfa04af1496fe0a62638ddc422dd80c393b5b1a421c861ca4b5a2', 1, '2026-11-22 01:05:29.955324+00', NULL);
INSERT INTO public.cms_user VALUES (4, 'dan', 'dan', 'dan@example.com', 'dan@example.com', 1, '$argon2id$v=19$m=19456,t=2,p=1$1kZAzoTcDrA36QPi7npUKA$7ayaPFxeW6WVtd5XTV19tmeJpxOH6Ump2PnUTysdSJM', false, true, NULL, NULL, NULL, NULL, NULL, '[]', 1, '2026-11-22 01:04:48.64058+00', '2026-11-22 01:04:49.225792+00', NULL, 1, '5c65091cfa06a092644be00013cf072be2e88fb3fb85e4330b8c05016c44bb6f', 1, NULL, NULL);
INSERT INTO public.cms_user VALUES (3, 'carol', 'carol', 'carol.new@example.com', 'carol.new@example.com', 2, '$argon2id$v=19$m=19456,t=2,p=1$Mrng2OxKTuuQdphp1NgbJw$lIK07O3VFlmPx5gzi1djvcQS9HDMrF/aUCPqj3SSuAM', false, true, NULL, NULL, NULL, NULL, NULL, '[]', 1, '2026-11-22 01:04:36.31177+00', '2026-11-22 01:05:39.167433+00', NULL, 5, 'ec6478b50ab999f74ede47456e18cac574f29a62422f0c428dbbdf2d03725051', 1, '2026-11-22 01:05:29.762156+00', NULL);
INSERT INTO public.cms_user VALUES (2, 'bob', 'bob', 'bob@example.com', 'bob@example.com', 1, '$argon2id$v=19$m=19456,t=2,p=1$bf2qHLCO+HUjnbvL2f07UA$rahjn9HmtTIF2Ku3ivw60UF+b8H33pnnpDADXARbbmw', false, true, NULL, NULL, NULL, NULL, NULL, '[]', 1, '2026-11-22 01:04:26.289708+00', '2026-11-22 01:05:49.517326+00', NULL, 4, '871e3925be134ba6aaa6cd726ec1f78da6171ff40244cb2a13e1fe69abb43cf7', 1, '2026-11-22 01:05:29.554993+00', NULL);
INSERT INTO public.cms_user VALUES (1, 'ann', 'ann', 'ann@example.com', 'ann@example.com', 1, '$argon2id$v=19$m=19456,t=2,p=1$T1vBQEY/mdrsMA/vg0aeug$oG2v5DDAsfSO9VxP4NmKeCSYg4/ENnKrzLut1CL1lcA', true, true, NULL, NULL, NULL, NULL, NULL, '[]', 1, '2026-11-22 01:04:13.610068+00', '2026-11-22 01:05:53.200868+00', NULL, 3, '06bd65bb47cf729696be9db73ce4f2cb931bc72c87377ab629f0588263cd5944', 1, '2026-11-22 01:05:29.393665+00', NULL);
INSERT INTO public.cms_user VALUES (6, 'fay', 'fay', 'fay@example.com', 'fay@example.com', 1, '$argon2id$v=19$m=19456,t=2,p=1$FvtAXxHIZM4f2Errn8p3qg$1on71gcoei0R4yj8qX2S4EKOAHBI2sCps1jSJwLczvk', false, true, NULL, NULL, NULL, NULL, NULL, '[]', 1, '2026-11-22 01:05:14.370599+00', '2026-11-22 01:05:57.923118+00', NULL, 2, '17971dc786522dab9c08a564a5e5bf707634529aba30231ed3d639a5a4afae06', 1, NULL, NULL);


--
-- Data for Name: email_change; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.email_change VALUES (1, 3, 3, 1, 'carol.new@example.com', 'carol.new@example.com', 1, '5a09dc83c47e21808703e9848353315a', NULL, 'f78e1cd802e636452b11af1d30413c51795cf0ddd5af7074c2850f641ae18631', '2026-11-22 01:05:30.348909+00', '2026-11-22 01:15:30.236333+00', 2, false, false, false, NULL, '127.0.0.1', 'Chrome 156, Linux', 'made', '');
INSERT INTO public.email_change VALUES (2, 2, 2, 4, 'bob.new@example.com', 'bob.new@example.com', 1, '3728f163429171caa0b6644955f1f3aa', NULL, 'ec387993261ac55c6e5ea44a1233a6b39e95a75230dd0df337db9e2a09cbf399', '2026-11-22 01:05:45.686993+00', '2026-11-22 01:15:45.683473+00', 1, false, false, false, NULL, '127.0.0.1', 'Chrome 156, Linux', '', '');
INSERT INTO public.email_change VALUES (3, 6, NULL, 8, 'fay.new@example.com', 'fay.new@example.com', 1, '', NULL, 'a9e781d89a34d91c255c0347c196448d009d604eca273147d234424193f5a3b0', '2026-11-22 01:05:57.917705+00', '2026-11-26 01:05:57.845813+00', 0, false, false, true, 1, '127.0.0.1', 'Chrome 156, Linux', '', '');


--
-- Data for Name: invitation; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.invitation VALUES (1, '03dd4003e45da32d0af18f738e9c26fd6c104f131da04760e17895403da510b9', 'gus@example.com', 'gus@example.com', false, 1, '2026-11-22 01:05:53.167086+00', '2026-11-25 01:05:53.167086+00');


--
-- Data for Name: link; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.link VALUES (1, '7336e4da34e90c12c4a65fdbef240d8b6979587d1bd11292a25ab30d91ea4014', 'undo', 3, 'carol@example.com', 'carol@example.com', 2, '2026-11-22 01:05:39.182143+00', '2026-11-29 01:05:39.182143+00', NULL, '2026-11-22 01:05:30.348909+00', '127.0.0.1', 'Chrome 156, Linux');
INSERT INTO public.link VALUES (2, '0577e18ca656a262d1f01f964f14a647f45c8de44a8b835472ca66d6a05bef14', 'prove', 6, 'fay.new@example.com', 'fay.new@example.com', 1, '2026-11-22 01:05:57.854482+00', '2026-11-26 01:05:57.854482+00', NULL, NULL, '', '');


--
-- Data for Name: login_session; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.login_session VALUES (1, '16e0523920aa6bf2bbce1409b861f48d5b739b8ca54d5aec1506c1390c7ce110', 1, false, '2026-11-22 01:05:29.393402+00', '2026-11-22 01:05:29.393402+00', '2026-11-22 01:05:29.393402+00', '127.0.0.1', 'Chrome 156, Linux');
INSERT INTO public.login_session VALUES (2, '77e6a527f31f237fc9a4ccc800d9505bf13418fde780e3f98b6879f35e06eee9', 2, false, '2026-11-22 01:05:29.550513+00', '2026-11-22 01:05:29.550513+00', '2026-11-22 01:05:29.550513+00', '127.0.0.1', 'Chrome 156, Linux');
INSERT INTO public.login_session VALUES (3, '102ce507a34307ba56f3d97afc396f32a763ec19bd47c54082034bf21c9cb0b6', 3, false, '2026-11-22 01:05:29.761886+00', '2026-11-22 01:05:29.761886+00', '2026-11-22 01:05:29.761886+00', '127.0.0.1', 'Chrome 156, Linux');


--
-- Data for Name: mail; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.mail VALUES (1, '<179530953032.11498.2581598557633068272@example.net>', 'code', 3, 'carol.new@example.com', '', '', '', 'sent', '2026-11-22 01:05:30.326772+00', '2026-11-22 01:08:06.275328+00', '2026-11-22 01:15:30.236333+00', 1, '2026-11-22 01:05:36.403001+00', '');
INSERT INTO public.mail VALUES (2, '<179530953032.11498.3836895273481278806@example.net>', 'heads_up', 3, 'carol@example.com', '', '', '', 'sent', '2026-11-22 01:05:30.326772+00', '2026-11-22 01:08:06.275328+00', '2026-11-22 01:15:30.236333+00', 1, '2026-11-22 01:05:36.471095+00', '');
INSERT INTO public.mail VALUES (4, '<179530954568.11498.9596941843559266947@example.net>', 'code', 2, 'bob.new@example.com', '', '', '', 'sent', '2026-11-22 01:05:45.684382+00', '2026-11-22 01:08:18.368038+00', '2026-11-22 01:15:45.683473+00', 1, '2026-11-22 01:05:48.455102+00', '');
INSERT INTO public.mail VALUES (5, '<179530954568.11498.7419113312865106976@example.net>', 'heads_up', 2, 'bob@example.com', '', '', '', 'sent', '2026-11-22 01:05:45.684382+00', '2026-11-22 01:08:18.368038+00', '2026-11-22 01:15:45.683473+00', 1, '2026-11-22 01:05:48.493016+00', '');
INSERT INTO public.mail VALUES (6, '<179530955319.11498.5990852895941795489@example.net>', 'invitation', 1, 'gus@example.com', '', '', '', 'sent', '2026-11-22 01:05:53.199167+00', '2026-11-22 01:08:25.907474+00', '2026-11-25 01:05:53.167086+00', 1, '2026-11-22 01:05:56.024738+00', '');
INSERT INTO public.mail VALUES (8, '<179530955791.11498.16748188081041786644@example.net>', 'assisted_proof', 6, 'fay.new@example.com', '请确认您的新邮箱', 'fay，您好：

已为您发起邮箱修改，您账号的邮箱将改为此邮箱。请通过以下链接确认：

http://127.0.0.1:32615/cms/resetemail/prove/pfWQUBS3e1fjywnhw6SpWUbdrPD7yv9cYycLMm8OSM8/

时间：2026-11-22 01:05 UTC
操作人：ann

如果您不知情，请忽略此邮件，不会有任何改动。

-- 
账号中心 · 127.0.0.1:32615
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
      <p style="margin:0 0 20px;padding-bottom:12px;border-bottom:1px solid #c9cede;font-weight:bold;overflow-wrap:anywhere">账号中心 · 127.0.0.1:32615</p>
      
<p>fay，您好：</p>
<p>已为您发起邮箱修改，您账号的邮箱将改为此邮箱。请通过以下链接确认：</p>
<p style="margin:20px 0"><a href="http://127.0.0.1:32615/cms/resetemail/prove/pfWQUBS3e1fjywnhw6SpWUbdrPD7yv9cYycLMm8OSM8/" style="display:inline-block;padding:12px 24px;border:1px solid #2f6fde;border-radius:8px;background-color:#2f6fde;color:#ffffff;font-weight:bold;text-decoration:none">确认新邮箱</a></p>
<p style="font-size:14px">如果按钮无法点击，请打开以下网址：<br><a href="http://127.0.0.1:32615/cms/resetemail/prove/pfWQUBS3e1fjywnhw6SpWUbdrPD7yv9cYycLMm8OSM8/" style="color:inherit;word-break:break-all">http://127.0.0.1:32615/cms/resetemail/prove/pfWQUBS3e1fjywnhw6SpWUbdrPD7yv9cYycLMm8OSM8/</a></p>
<p style="padding-left:12px;border-left:3px solid #8a93b0;overflow-wrap:anywhere">时间：2026-11-22 01:05 UTC<br>
操作人：ann</p>
<p>如果您不知情，请忽略此邮件，不会有任何改动。</p>

    </div>
  </body>
</html>', 'queued', '2026-11-22 01:05:57.91584+00', '2026-11-23 01:05:57.845813+00', '2026-11-26 01:05:57.845813+00', 0, NULL, '');
INSERT INTO public.mail VALUES (7, '<179530955789.11498.6415190154183645948@example.net>', 'assisted', 6, 'fay@example.com', '', '', '', 'sent', '2026-11-22 01:05:57.892514+00', '2026-11-22 01:08:32.734817+00', '2026-11-25 01:05:57.892514+00', 1, '2026-11-22 01:06:02.833811+00', '');
INSERT INTO public.mail VALUES (3, '<179530953922.11498.8794440102112634288@example.net>', 'changed', 3, 'carol@example.com', '', '', '', 'sent', '2026-11-22 01:05:39.220671+00', '2026-11-22 01:08:14.639237+00', '2026-11-25 01:05:39.220671+00', 1, '2026-11-22 01:05:44.753143+00', '');
INSERT INTO public.mail VALUES (12, '<179530956473.11497.3580500049178932411@example.net>', 'task:password_link', NULL, 'dan@example.com', '', '{"origin": {"network": "127.0.0.1", "browser": "Chrome 156, Linux", "site": "http://127.0.0.1:32615", "time_zone": ""}, "language": "zh"}', '', 'queued', '2026-11-22 01:06:04.731729+00', '2026-11-22 01:06:04.731729+00', '2026-11-25 01:06:04.731729+00', 0, NULL, '');


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

