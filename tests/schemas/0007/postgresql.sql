
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
    chain character varying(64) NOT NULL,
    key_id character varying(8),
    request_id character varying(64)
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
    browser character varying(200) NOT NULL,
    key_id character varying(8)
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


INSERT INTO public.alembic_version VALUES ('0007');


--
-- Data for Name: audit; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.audit VALUES (1, 1, 1, 'administrator_created', NULL, '2026-11-22 05:06:34.922936+00', '2026-11-22 05:06:34.922936+00', 1, '-', 'command line', '{"superuser": true}', 'cdcfde0bed44c7fe0c0ea46a190b04407947147c9a181ca5c2d4d9e2a2322b3a', 'a1e15d34', NULL);
INSERT INTO public.audit VALUES (2, 2, 1, 'administrator_created', NULL, '2026-11-22 05:06:36.338416+00', '2026-11-22 05:06:36.338416+00', 1, '-', 'command line', '{"superuser": false}', '445f7bab5b62313a2b28d634412f8fd5c2c5387286d5b19445d955dd22b8e994', 'a1e15d34', NULL);
INSERT INTO public.audit VALUES (3, 3, 1, 'administrator_created', NULL, '2026-11-22 05:06:38.150186+00', '2026-11-22 05:06:38.150186+00', 1, '-', 'command line', '{"superuser": false}', '64c282433f5937d0aa43744d876613ee9a35ebbbca6d5e0e748bce214b0ff7d1', 'a1e15d34', NULL);
INSERT INTO public.audit VALUES (4, 4, 1, 'administrator_created', NULL, '2026-11-22 05:06:39.705368+00', '2026-11-22 05:06:39.705368+00', 1, '-', 'command line', '{"superuser": false}', '4582dd09aa89d11f827ff79f1fcb7dd1f42d2503071ee5ac5591296e25c42b7b', 'a1e15d34', NULL);
INSERT INTO public.audit VALUES (5, 5, 1, 'administrator_created', NULL, '2026-11-22 05:06:41.513682+00', '2026-11-22 05:06:41.513682+00', 1, '-', 'command line', '{"superuser": false}', '4d08081eb828da835ae282a6af9aa245ff8d8ef8ded410a5575752710a4301cb', 'a1e15d34', NULL);
INSERT INTO public.audit VALUES (6, 6, 1, 'administrator_created', NULL, '2026-11-22 05:06:42.934766+00', '2026-11-22 05:06:42.934766+00', 1, '-', 'command line', '{"superuser": false}', 'bf8840202af4ceb854e232562d62f41e98b0bed500cad6fe68715d6478683ea5', 'a1e15d34', NULL);
INSERT INTO public.audit VALUES (7, 1, 2, 'signed_in', 1, '2026-11-22 05:06:44.651642+00', '2026-11-22 05:06:44.651642+00', 1, '127.0.0.1', 'Chrome 156, Linux', '{}', '96c284e8995020043f8cfd0741f0411f048f3185be4b78101345ede82a1c27f5', 'a1e15d34', '3477783e3b7cc9d2');
INSERT INTO public.audit VALUES (8, 2, 2, 'signed_in', 2, '2026-11-22 05:06:44.862276+00', '2026-11-22 05:06:44.862276+00', 1, '127.0.0.1', 'Chrome 156, Linux', '{}', '0956497e3d49f2b47cc693fe270cd98a3a440a0ad466e73644f9ebbe5d783cd3', 'a1e15d34', 'eb5d9b604fb9cb70');
INSERT INTO public.audit VALUES (9, 3, 2, 'signed_in', 3, '2026-11-22 05:06:44.916226+00', '2026-11-22 05:06:44.916226+00', 1, '127.0.0.1', 'Chrome 156, Linux', '{}', '56eee628038478c2efaec555ca49416a8f3aefcbf2013b09a5d619ad91e52ee1', 'a1e15d34', '129c5d35fbc2596e');
INSERT INTO public.audit VALUES (10, 5, 2, 'signed_in', 5, '2026-11-22 05:06:44.965155+00', '2026-11-22 05:06:44.965155+00', 1, '127.0.0.1', 'Chrome 156, Linux', '{}', '26a80972026d85fc5538085f0e3d312f899bf1e21149aed4c9e645c467fe92b9', 'a1e15d34', 'a67cf18a85518db2');
INSERT INTO public.audit VALUES (11, 3, 3, 'code_requested', 3, '2026-11-22 05:06:45.066841+00', '2026-11-22 05:06:45.066841+00', 1, '127.0.0.1', 'Chrome 156, Linux', '{"email": "carol.new@example.com"}', '93e94255bb18d324d1c7880aa8df45507d62051b38dc6899a3e279aa094b5b1d', 'a1e15d34', 'f0c16dd164fd0134');
INSERT INTO public.audit VALUES (12, 3, 4, 'code_wrong', 3, '2026-11-22 05:06:46.28067+00', '2026-11-22 05:06:46.28067+00', 1, '127.0.0.1', 'Chrome 156, Linux', '{"email": "carol.new@example.com"}', 'a43968fd8633b22b15f773883ed6654a67625216a83b54d8f1f8eb3b9895e8d9', 'a1e15d34', '9e6915a4d2fd4fd6');
INSERT INTO public.audit VALUES (13, 3, 5, 'email_changed', 3, '2026-11-22 05:06:46.290468+00', '2026-11-22 05:06:46.290468+00', 1, '127.0.0.1', 'Chrome 156, Linux', '{"new": "carol.new@example.com", "old": "carol@example.com"}', '6ac4a035973cc4b2befd7c2f5e7ee02e0b5e278eea5e783727f0167c76900cfd', 'a1e15d34', '112084e6b7c6b4f0');
INSERT INTO public.audit VALUES (14, 2, 3, 'code_requested', 2, '2026-11-22 05:06:47.511952+00', '2026-11-22 05:06:47.511952+00', 1, '127.0.0.1', 'Chrome 156, Linux', '{"email": "bob.new@example.com"}', '18d890567d0326f6bab972868788f6c8887ab6cbc8a842d4cfeec48c555e3b77', 'a1e15d34', '53a29d0c0c7a501b');
INSERT INTO public.audit VALUES (15, 2, 4, 'code_wrong', 2, '2026-11-22 05:06:48.599208+00', '2026-11-22 05:06:48.599208+00', 1, '127.0.0.1', 'Chrome 156, Linux', '{"email": "bob.new@example.com"}', 'c664946ef9c4b16443e1a987939aadf1f63f2907cb003d58ff52a9ebdfb565a9', 'a1e15d34', '0c3eb2f0c1355dff');
INSERT INTO public.audit VALUES (16, 1, 3, 'invitation_sent', 1, '2026-11-22 05:06:49.739243+00', '2026-11-22 05:06:49.739243+00', 1, '127.0.0.1', 'Chrome 156, Linux', '{"email": "gus@example.com", "superuser": false}', 'ec39d26ff015eab5be1cdf31d8253596440825afcd42e69bc6a002eb403f57ad', 'a1e15d34', '9236b08fbdac72aa');
INSERT INTO public.audit VALUES (17, 6, 2, 'change_started', 1, '2026-11-22 05:06:50.904255+00', '2026-11-22 05:06:50.904255+00', 1, '127.0.0.1', 'Chrome 156, Linux', '{"by": "ann", "email": "fay.new@example.com", "reason": "lost her mailbox"}', '6abec0c987a9381c3ee03169bb50366118d97f0dace54dc223e89aff2c5682ab', 'a1e15d34', '2ce66b5977dfcd81');
INSERT INTO public.audit VALUES (18, 5, 3, 'signed_out', 5, '2026-11-22 05:06:51.013442+00', '2026-11-22 05:06:51.013442+00', 1, '127.0.0.1', 'Chrome 156, Linux', '{}', '83e3fa9435af954045acba8ba3cc42c6c8b660b72ff156682db451c8b2eb46c5', 'a1e15d34', 'df718b3fa02e8c98');
INSERT INTO public.audit VALUES (19, 5, 4, 'sign_in_failed', 5, '2026-11-22 05:06:50.934273+00', '2026-11-22 05:06:50.998031+00', 3, '127.0.0.1', 'Chrome 156, Linux', '{}', '342e28efbba6343ff27cfc5317aa9c45934a8de1b4284ada7ea59bf2eec8bdc7', 'a1e15d34', '8f1f96db277f31c3');


--
-- Data for Name: budget; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.budget VALUES ('2473c4d9ad1cd8e2779b13295bba09a8487b72b57daf50f3dc21580436ef0fcf', 1, '2026-11-22 05:06:45.027903+00', '2026-11-22 06:06:45.027903+00');
INSERT INTO public.budget VALUES ('4d52d9181fbecfde1d766b282dcbaee9baf05cb04ac36c518732dafaf34ff2e5', 1, '2026-11-22 05:06:45.027903+00', '2026-11-22 06:06:45.027903+00');
INSERT INTO public.budget VALUES ('d13fe704acec3384faeaf4a12fe898418d7fd387d178ad136c841af9354f8a4d', 1, '2026-11-22 05:06:45.027903+00', '2026-11-23 05:06:45.027903+00');
INSERT INTO public.budget VALUES ('0c938d5a29069cb229fc7ed3880b5c4aef52721bda6d9ead5f72edd3716cde15', 2, '2026-11-22 05:06:46.289785+00', '2026-11-23 05:06:46.279569+00');
INSERT INTO public.budget VALUES ('2319e8a1d3803deb9815b114c1ceb0b62e7e29df8b51946fb38bfbf60d001dd1', 2, '2026-11-22 05:06:46.289785+00', '2026-11-23 05:06:46.279569+00');
INSERT INTO public.budget VALUES ('2beefded8416fa255543a5a93bc420c16fa09e175b428f7a8346660d9a1bea66', 1, '2026-11-22 05:06:47.484123+00', '2026-11-22 06:06:47.484123+00');
INSERT INTO public.budget VALUES ('dae428aad6b057aa354b438cded2fb1f9f751241e07ea2b6cfd114e1a72a0bbc', 2, '2026-11-22 05:06:47.484123+00', '2026-11-22 06:06:45.027903+00');
INSERT INTO public.budget VALUES ('e819d40996c06513a021915c4c30e8b40f86a5af9327eab3416a226befa66821', 1, '2026-11-22 05:06:47.484123+00', '2026-11-23 05:06:47.484123+00');
INSERT INTO public.budget VALUES ('f93053a5efb0f6a56d39b909e33035986c106896a08d32b2c8f9bc5ea6a60e46', 1, '2026-11-22 05:06:47.484123+00', '2026-11-22 06:06:47.484123+00');
INSERT INTO public.budget VALUES ('603f9f295bc34c1ee937907c707ba1950ce7a57459f736417282d63fff5f63ab', 1, '2026-11-22 05:06:48.598027+00', '2026-11-23 05:06:48.598027+00');
INSERT INTO public.budget VALUES ('82f509c0124e30f87d49ec82f74ebca65a372fb8c5064da17184aab721e675c1', 1, '2026-11-22 05:06:48.598027+00', '2026-11-23 05:06:48.598027+00');
INSERT INTO public.budget VALUES ('ae32f60042d346b17fc9d7850f725f342f2030863d1830420e2d8a8541ec0ea2', 1, '2026-11-22 05:06:49.72585+00', '2026-11-22 06:06:49.72585+00');


--
-- Data for Name: cms_user; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.cms_user VALUES (5, 'eve', 'eve', 'eve@example.com', 'eve@example.com', 1, '$argon2id$v=19$m=19456,t=2,p=1$juYhWjwZ42k8k1rksgq35A$3lI7fYhuMBCwhemJe6E5aX/owsznzt47+CcWNDCGMwg', false, true, NULL, NULL, NULL, NULL, NULL, '[]', 1, '2026-11-22 05:06:41.450927+00', '2026-11-22 05:06:50.934273+00', NULL, 4, '342e28efbba6343ff27cfc5317aa9c45934a8de1b4284ada7ea59bf2eec8bdc7', 1, '2026-11-22 05:06:44.965133+00', NULL);
INSERT INTO public.cms_user VALUES (4, 'dan', 'dan', 'dan@example.com', 'dan@example.com', 1, '$argon2id$v=19$m=19456,t=2,p=1$EpNY3afd99c4CxGlk6Z88A$Ck93AueB5PXPckrtI7MbI1EdiddHtzI3Iq0/LkUtmVY', false, true, NULL, NULL, NULL, NULL, NULL, '[]', 1, '2026-11-22 05:06:39.649436+00', '2026-11-22 05:06:39.705368+00', NULL, 1, '4582dd09aa89d11f827ff79f1fcb7dd1f42d2503071ee5ac5591296e25c42b7b', 1, NULL, NULL);
INSERT INTO public.cms_user VALUES (3, 'carol', 'carol', 'carol.new@example.com', 'carol.new@example.com', 2, '$argon2id$v=19$m=19456,t=2,p=1$5VCwF9YBnwUCpf0Me77MLA$f5uneiX6huVJyoe8F3DNy4Iy9i5rM7WrDOAP+kPX/Bs', false, true, NULL, NULL, NULL, NULL, NULL, '[]', 1, '2026-11-22 05:06:38.063298+00', '2026-11-22 05:06:46.290468+00', NULL, 5, '6ac4a035973cc4b2befd7c2f5e7ee02e0b5e278eea5e783727f0167c76900cfd', 1, '2026-11-22 05:06:44.916198+00', NULL);
INSERT INTO public.cms_user VALUES (2, 'bob', 'bob', 'bob@example.com', 'bob@example.com', 1, '$argon2id$v=19$m=19456,t=2,p=1$Sf4505M3D3EymyNBf6MvYQ$XzsddhR7DkwYfaEwm0tD8H5e0mbmjTmJX57tWyVQ24M', false, true, NULL, NULL, NULL, NULL, NULL, '[]', 1, '2026-11-22 05:06:36.287631+00', '2026-11-22 05:06:48.599208+00', NULL, 4, 'c664946ef9c4b16443e1a987939aadf1f63f2907cb003d58ff52a9ebdfb565a9', 1, '2026-11-22 05:06:44.86225+00', NULL);
INSERT INTO public.cms_user VALUES (1, 'ann', 'ann', 'ann@example.com', 'ann@example.com', 1, '$argon2id$v=19$m=19456,t=2,p=1$KKkDfawhis0VeB0bRISeQw$f8j+foyvXLNdQHJQ44+ObU5e109V6XZ6FlavG7sezWk', true, true, NULL, NULL, NULL, NULL, NULL, '[]', 1, '2026-11-22 05:06:34.901284+00', '2026-11-22 05:06:49.739243+00', NULL, 3, 'ec39d26ff015eab5be1cdf31d8253596440825afcd42e69bc6a002eb403f57ad', 1, '2026-11-22 05:06:44.651623+00', NULL);
INSERT INTO public.cms_user VALUES (6, 'fay', 'fay', 'fay@example.com', 'fay@example.com', 1, '$argon2id$v=19$m=19456,t=2,p=1$A7rR8E1WyXbIfLIFyU9jzA$PMPFSv7T2i1YCIu2IUeb2pHNfzDbvnFlJYp1BOQpMYA', false, true, NULL, NULL, NULL, NULL, NULL, '[]', 1, '2026-11-22 05:06:42.85123+00', '2026-11-22 05:06:50.904255+00', NULL, 2, '6abec0c987a9381c3ee03169bb50366118d97f0dace54dc223e89aff2c5682ab', 1, NULL, NULL);


--
-- Data for Name: email_change; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.email_change VALUES (1, 3, 3, 1, 'carol.new@example.com', 'carol.new@example.com', 1, 'a1e15d34.IlS15XNtN4xNrihfmkwTkw', NULL, '913dfb88168ac17426190983b6329d09f2b972ef8bedcb5dc0c081a30f68988c', '2026-11-22 05:06:45.061705+00', '2026-11-22 05:16:45.030542+00', 2, false, false, false, NULL, '127.0.0.1', 'Chrome 156, Linux', 'made', '');
INSERT INTO public.email_change VALUES (2, 2, 2, 4, 'bob.new@example.com', 'bob.new@example.com', 1, 'a1e15d34.9ZTi9l11Xa_DzcqTboE1XA', NULL, 'd990c44c50d42470bceb071817b82880e522db286959863cef3500fbdaef1a9d', '2026-11-22 05:06:47.507826+00', '2026-11-22 05:16:47.485644+00', 1, false, false, false, NULL, '127.0.0.1', 'Chrome 156, Linux', '', '');
INSERT INTO public.email_change VALUES (3, 6, NULL, 8, 'fay.new@example.com', 'fay.new@example.com', 1, '', NULL, '5fca0620ab94a396fb15f6a36681fc23e3f0c4c7c72028a8c0d7507eebe73788', '2026-11-22 05:06:50.903458+00', '2026-11-26 05:06:50.889622+00', 0, false, false, true, 1, '127.0.0.1', 'Chrome 156, Linux', '', '');


--
-- Data for Name: invitation; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.invitation VALUES (1, '8cd8346c7ce053a7bc87477a2814bb697dfe3f6a5298813b8bce3789d18ad263', 'gus@example.com', 'gus@example.com', false, 1, '2026-11-22 05:06:49.727041+00', '2026-11-25 05:06:49.727041+00');


--
-- Data for Name: link; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.link VALUES (1, '44fcf6d178afef3e40a78adc4f85778818cac54f965d4108fd84b1ff7f093cd0', 'undo', 3, 'carol@example.com', 'carol@example.com', 2, '2026-11-22 05:06:46.294282+00', '2026-11-29 05:06:46.294282+00', NULL, '2026-11-22 05:06:45.061705+00', '127.0.0.1', 'Chrome 156, Linux');
INSERT INTO public.link VALUES (2, '03d27c2220b58278d0c3930027c3cc2ecd25c853c1fb81194b26474410135be7', 'prove', 6, 'fay.new@example.com', 'fay.new@example.com', 1, '2026-11-22 05:06:50.891181+00', '2026-11-26 05:06:50.891181+00', NULL, NULL, '', '');


--
-- Data for Name: login_session; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.login_session VALUES (1, 'ff30b7ea892af67e0f8d6edd7b6f4bcf289ef8452993115e30ebdca2c5cbe3d4', 1, false, '2026-11-22 05:06:44.651274+00', '2026-11-22 05:06:44.651274+00', '2026-11-22 05:06:44.651274+00', '127.0.0.1', 'Chrome 156, Linux', 'a1e15d34');
INSERT INTO public.login_session VALUES (2, '50eea3f96ec180d456ec3993cb387b72b277779883a97a1b0f3c905f531a7438', 2, false, '2026-11-22 05:06:44.861763+00', '2026-11-22 05:06:44.861763+00', '2026-11-22 05:06:44.861763+00', '127.0.0.1', 'Chrome 156, Linux', 'a1e15d34');
INSERT INTO public.login_session VALUES (3, 'b280fc31acc708eed6d2e5779997a2b6843fb0b85ba8dfb18d8de8aa6f0d2c5a', 3, false, '2026-11-22 05:06:44.915939+00', '2026-11-22 05:06:44.915939+00', '2026-11-22 05:06:44.915939+00', '127.0.0.1', 'Chrome 156, Linux', 'a1e15d34');


--
-- Data for Name: mail; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.mail VALUES (1, '<179532400505.11433.13462535615896462536@example.net>', 'code', 3, 'carol.new@example.com', '', '', '', 'sent', '2026-11-22 05:06:45.057804+00', '2026-11-22 05:09:15.940381+00', '2026-11-22 05:16:45.030542+00', 1, '2026-11-22 05:06:45.955364+00', '');
INSERT INTO public.mail VALUES (2, '<179532400505.11433.10176971084060926079@example.net>', 'heads_up', 3, 'carol@example.com', '', '', '', 'sent', '2026-11-22 05:06:45.057804+00', '2026-11-22 05:09:15.940381+00', '2026-11-22 05:16:45.030542+00', 1, '2026-11-22 05:06:45.962412+00', '');
INSERT INTO public.mail VALUES (6, '<179532400973.11433.915099064156892305@example.net>', 'invitation', 1, 'gus@example.com', '', '', '', 'sent', '2026-11-22 05:06:49.737857+00', '2026-11-22 05:09:20.600536+00', '2026-11-25 05:06:49.727041+00', 1, '2026-11-22 05:06:50.617992+00', '');
INSERT INTO public.mail VALUES (8, '<179532401090.11433.5899946122631311773@example.net>', 'assisted_proof', 6, 'fay.new@example.com', '请确认您的新邮箱', 'fay，您好：

已为您发起邮箱修改，您账号的邮箱将改为此邮箱。请通过以下链接确认：

http://127.0.0.1:25184/cms/resetemail/prove/TCqRDipTTRpf1PWW2OxOlVrK80DFfrjgcZb3Wqw0TCM/

时间：2026-11-22 05:06 UTC
操作人：ann

如果您不知情，请忽略此邮件，不会有任何改动。

-- 
账号中心 · 127.0.0.1:25184
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
      <p style="margin:0 0 20px;padding-bottom:12px;border-bottom:1px solid #c9cede;font-weight:bold;overflow-wrap:anywhere">账号中心 · 127.0.0.1:25184</p>
      
<p>fay，您好：</p>
<p>已为您发起邮箱修改，您账号的邮箱将改为此邮箱。请通过以下链接确认：</p>
<p style="margin:20px 0"><a href="http://127.0.0.1:25184/cms/resetemail/prove/TCqRDipTTRpf1PWW2OxOlVrK80DFfrjgcZb3Wqw0TCM/" style="display:inline-block;padding:12px 24px;border:1px solid #2f6fde;border-radius:8px;background-color:#2f6fde;color:#ffffff;font-weight:bold;text-decoration:none">确认新邮箱</a></p>
<p style="font-size:14px">如果按钮无法点击，请打开以下网址：<br><a href="http://127.0.0.1:25184/cms/resetemail/prove/TCqRDipTTRpf1PWW2OxOlVrK80DFfrjgcZb3Wqw0TCM/" style="color:inherit;word-break:break-all">http://127.0.0.1:25184/cms/resetemail/prove/TCqRDipTTRpf1PWW2OxOlVrK80DFfrjgcZb3Wqw0TCM/</a></p>
<p style="padding-left:12px;border-left:3px solid #8a93b0;overflow-wrap:anywhere">时间：2026-11-22 05:06 UTC<br>
操作人：ann</p>
<p>如果您不知情，请忽略此邮件，不会有任何改动。</p>

    </div>
  </body>
</html>', 'queued', '2026-11-22 05:06:50.902752+00', '2026-11-23 05:06:50.889622+00', '2026-11-26 05:06:50.889622+00', 0, NULL, '');
INSERT INTO public.mail VALUES (7, '<179532401089.11433.1090876297290500602@example.net>', 'assisted', 6, 'fay@example.com', '', '', '', 'sent', '2026-11-22 05:06:50.898336+00', '2026-11-22 05:09:21.828933+00', '2026-11-25 05:06:50.898336+00', 1, '2026-11-22 05:06:51.842308+00', '');
INSERT INTO public.mail VALUES (12, '<179532401214.11433.13454936665895593757@example.net>', 'task:password_link', NULL, 'dan@example.com', '', '{"request_id": "9dbe1eb2931a0c6d", "origin": {"network": "127.0.0.1", "browser": "Chrome 156, Linux", "site": "http://127.0.0.1:25184", "time_zone": ""}, "language": "zh"}', '', 'queued', '2026-11-22 05:06:52.143165+00', '2026-11-22 05:06:52.143165+00', '2026-11-25 05:06:52.143165+00', 0, NULL, '');
INSERT INTO public.mail VALUES (3, '<179532400630.11433.15930118320569288062@example.net>', 'changed', 3, 'carol@example.com', '', '', '', 'sent', '2026-11-22 05:06:46.306056+00', '2026-11-22 05:09:17.091408+00', '2026-11-25 05:06:46.306056+00', 1, '2026-11-22 05:06:47.105967+00', '');
INSERT INTO public.mail VALUES (5, '<179532400750.11434.2667528192619174126@example.net>', 'heads_up', 2, 'bob@example.com', '', '', '', 'sent', '2026-11-22 05:06:47.504833+00', '2026-11-22 05:09:18.306945+00', '2026-11-22 05:16:47.485644+00', 1, '2026-11-22 05:06:48.324776+00', '');
INSERT INTO public.mail VALUES (4, '<179532400750.11434.12299374366682146105@example.net>', 'code', 2, 'bob.new@example.com', '', '', '', 'sent', '2026-11-22 05:06:47.504833+00', '2026-11-22 05:09:18.306945+00', '2026-11-22 05:16:47.485644+00', 1, '2026-11-22 05:06:48.319124+00', '');


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

CREATE INDEX ix_cms_user_is_superuser ON public.cms_user USING btree (id) WHERE is_superuser;

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

