
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
    password_version integer DEFAULT 1 NOT NULL
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


INSERT INTO public.alembic_version VALUES ('0003');


--
-- Data for Name: audit; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.audit VALUES (1, 1, 1, 'administrator_created', 1, '2026-11-22 00:58:54.079072+00', '2026-11-22 00:58:54.079072+00', 1, '-', 'command line', '{"superuser": true}', 'fa32e7de4c1bc74cedf334679237f316aa7666fbd16a7dd87e17eab5fdcc4407');
INSERT INTO public.audit VALUES (2, 2, 1, 'administrator_created', 2, '2026-11-22 00:58:55.705928+00', '2026-11-22 00:58:55.705928+00', 1, '-', 'command line', '{"superuser": false}', '102633cfddf4709adcb3054be4e0b873014533a74104d20095927917e2b6da7b');
INSERT INTO public.audit VALUES (3, 3, 1, 'administrator_created', 3, '2026-11-22 00:58:57.504803+00', '2026-11-22 00:58:57.504803+00', 1, '-', 'command line', '{"superuser": false}', '97d20f35ecf8a9221532fc7b78c209e1becb358969a78412742e28ee1fc47734');
INSERT INTO public.audit VALUES (4, 4, 1, 'administrator_created', 4, '2026-11-22 00:58:59.226206+00', '2026-11-22 00:58:59.226206+00', 1, '-', 'command line', '{"superuser": false}', '3f402f811a0d63352ed94277b0d38de073eb3fabc2c2acc12b3f08cd1609f1d8');
INSERT INTO public.audit VALUES (5, 5, 1, 'administrator_created', 5, '2026-11-22 00:59:00.921243+00', '2026-11-22 00:59:00.921243+00', 1, '-', 'command line', '{"superuser": false}', 'e3f1a3a5c962716fd8b0a8f67d2e51ede80b0071eaa10117ea06233969c04b23');
INSERT INTO public.audit VALUES (6, 6, 1, 'administrator_created', 6, '2026-11-22 00:59:02.895673+00', '2026-11-22 00:59:02.895673+00', 1, '-', 'command line', '{"superuser": false}', '14e336fcd4ac59b699b01846bcc6abe16e6a09f1c9c22a463bb0f9c39148566f');
INSERT INTO public.audit VALUES (7, 1, 2, 'signed_in', 1, '2026-11-22 00:59:08.368925+00', '2026-11-22 00:59:08.368925+00', 1, '127.0.0.1', 'Chrome 156, Linux', '{}', '125f406f5012b5af467ebcd0d878938943fd8ffec1ccbead79ce07eb5e527286');
INSERT INTO public.audit VALUES (8, 2, 2, 'signed_in', 2, '2026-11-22 00:59:08.700564+00', '2026-11-22 00:59:08.700564+00', 1, '127.0.0.1', 'Chrome 156, Linux', '{}', '7ab19b320df70fac8aeb87b98b57231901d5f31e42e271d678161e58dd2a4c4d');
INSERT INTO public.audit VALUES (9, 3, 2, 'signed_in', 3, '2026-11-22 00:59:08.847648+00', '2026-11-22 00:59:08.847648+00', 1, '127.0.0.1', 'Chrome 156, Linux', '{}', '9bc3e79ed492d71dd6cc6be800ce55c98577a61d3086560abda61801599cc7c0');
INSERT INTO public.audit VALUES (10, 5, 2, 'signed_in', 5, '2026-11-22 00:59:08.980007+00', '2026-11-22 00:59:08.980007+00', 1, '127.0.0.1', 'Chrome 156, Linux', '{}', 'da43a0f0d6f096c43d2ce35d71fde11d8f98bd4261b9c6e7ea1db954476ac0c0');
INSERT INTO public.audit VALUES (11, 3, 3, 'code_requested', 3, '2026-11-22 00:59:09.209829+00', '2026-11-22 00:59:09.209829+00', 1, '127.0.0.1', 'Chrome 156, Linux', '{"email": "carol.new@example.com"}', '88a32f7fb65bb67171e66678c9882a9b9f2921937f43fead7d7ad16c3f877e69');
INSERT INTO public.audit VALUES (12, 3, 4, 'code_wrong', 3, '2026-11-22 00:59:12.211304+00', '2026-11-22 00:59:12.211304+00', 1, '127.0.0.1', 'Chrome 156, Linux', '{"email": "carol.new@example.com"}', 'c596bbee7efad3cac8deb0a2174a619a5407556b9e489b9e633aabef5a566b6d');
INSERT INTO public.audit VALUES (13, 3, 5, 'email_changed', 3, '2026-11-22 00:59:12.233944+00', '2026-11-22 00:59:12.233944+00', 1, '127.0.0.1', 'Chrome 156, Linux', '{"new": "carol.new@example.com", "old": "carol@example.com"}', 'b66bd2bcfa673a06b29144384bb06f9a5a1ab74639248fbd7eac65d73ce7026f');
INSERT INTO public.audit VALUES (14, 2, 3, 'code_requested', 2, '2026-11-22 00:59:15.11118+00', '2026-11-22 00:59:15.11118+00', 1, '127.0.0.1', 'Chrome 156, Linux', '{"email": "bob.new@example.com"}', '315cfa8c84636c1d5f670c5417c4da7db5ddb7f6e1923f4b0575a47bea0463c7');
INSERT INTO public.audit VALUES (15, 2, 4, 'code_wrong', 2, '2026-11-22 00:59:17.262098+00', '2026-11-22 00:59:17.262098+00', 1, '127.0.0.1', 'Chrome 156, Linux', '{"email": "bob.new@example.com"}', 'fc1cf8f4b16afd1c4cec4da98b9a00b3cd675d4af8c7d2c9e5302fc71f3decf2');
INSERT INTO public.audit VALUES (16, 1, 3, 'invitation_sent', 1, '2026-11-22 00:59:19.209464+00', '2026-11-22 00:59:19.209464+00', 1, '127.0.0.1', 'Chrome 156, Linux', '{"email": "gus@example.com", "superuser": false}', 'bb81d162a20e7421715c368cd29c34eceb657db576646540a1f6fc1209e13251');
INSERT INTO public.audit VALUES (17, 6, 2, 'change_started', 1, '2026-11-22 00:59:21.501325+00', '2026-11-22 00:59:21.501325+00', 1, '127.0.0.1', 'Chrome 156, Linux', '{"by": "ann", "email": "fay.new@example.com", "reason": "lost her mailbox"}', '57afe2ee540ae19173f600edd1cc29915cb94d0c87cf2cd566b25c95e28e407e');
INSERT INTO public.audit VALUES (18, 5, 3, 'signed_out', 5, '2026-11-22 00:59:21.899559+00', '2026-11-22 00:59:21.899559+00', 1, '127.0.0.1', 'Chrome 156, Linux', '{}', 'd38124fc9c4a972d724d96f79f6adc9d3e6ced88cd5905a94ef9fd753ba99233');
INSERT INTO public.audit VALUES (19, 5, 4, 'sign_in_failed', 5, '2026-11-22 00:59:21.576708+00', '2026-11-22 00:59:21.825944+00', 3, '127.0.0.1', 'Chrome 156, Linux', '{}', 'b8e69cf5e99320c644f4e21051313016726574fc81cc4aeec0e669eec111ac27');


--
-- Data for Name: budget; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.budget VALUES ('2473c4d9ad1cd8e2779b13295bba09a8487b72b57daf50f3dc21580436ef0fcf', 1, '2026-11-22 00:59:09.075604+00', '2026-11-22 01:59:09.075604+00');
INSERT INTO public.budget VALUES ('4d52d9181fbecfde1d766b282dcbaee9baf05cb04ac36c518732dafaf34ff2e5', 1, '2026-11-22 00:59:09.075604+00', '2026-11-22 01:59:09.075604+00');
INSERT INTO public.budget VALUES ('d13fe704acec3384faeaf4a12fe898418d7fd387d178ad136c841af9354f8a4d', 1, '2026-11-22 00:59:09.075604+00', '2026-11-23 00:59:09.075604+00');
INSERT INTO public.budget VALUES ('0c938d5a29069cb229fc7ed3880b5c4aef52721bda6d9ead5f72edd3716cde15', 2, '2026-11-22 00:59:12.233197+00', '2026-11-23 00:59:12.20743+00');
INSERT INTO public.budget VALUES ('2319e8a1d3803deb9815b114c1ceb0b62e7e29df8b51946fb38bfbf60d001dd1', 2, '2026-11-22 00:59:12.233197+00', '2026-11-23 00:59:12.20743+00');
INSERT INTO public.budget VALUES ('2beefded8416fa255543a5a93bc420c16fa09e175b428f7a8346660d9a1bea66', 1, '2026-11-22 00:59:15.009528+00', '2026-11-22 01:59:15.009528+00');
INSERT INTO public.budget VALUES ('dae428aad6b057aa354b438cded2fb1f9f751241e07ea2b6cfd114e1a72a0bbc', 2, '2026-11-22 00:59:15.009528+00', '2026-11-22 01:59:09.075604+00');
INSERT INTO public.budget VALUES ('e819d40996c06513a021915c4c30e8b40f86a5af9327eab3416a226befa66821', 1, '2026-11-22 00:59:15.009528+00', '2026-11-23 00:59:15.009528+00');
INSERT INTO public.budget VALUES ('f93053a5efb0f6a56d39b909e33035986c106896a08d32b2c8f9bc5ea6a60e46', 1, '2026-11-22 00:59:15.009528+00', '2026-11-22 01:59:15.009528+00');
INSERT INTO public.budget VALUES ('603f9f295bc34c1ee937907c707ba1950ce7a57459f736417282d63fff5f63ab', 1, '2026-11-22 00:59:17.261003+00', '2026-11-23 00:59:17.261003+00');
INSERT INTO public.budget VALUES ('82f509c0124e30f87d49ec82f74ebca65a372fb8c5064da17184aab721e675c1', 1, '2026-11-22 00:59:17.261003+00', '2026-11-23 00:59:17.261003+00');
INSERT INTO public.budget VALUES ('ae32f60042d346b17fc9d7850f725f342f2030863d1830420e2d8a8541ec0ea2', 1, '2026-11-22 00:59:19.188594+00', '2026-11-22 01:59:19.188594+00');


--
-- Data for Name: cms_user; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.cms_user VALUES (2, 'bob', 'bob', 'bob@example.com', 'bob@example.com', 1, '$argon2id$v=19$m=19456,t=2,p=1$IkJU8Jf0Qs98LMQL6bapig$7D/X0s+Ts39mzzJx7ueu4il0MBSOkkYwgSkK4N0hZZI', false, true, NULL, NULL, NULL, NULL, NULL, '[]', 1, '2026-11-22 00:58:55.699613+00', '2026-11-22 00:59:17.255176+00', NULL, 4, 'fc1cf8f4b16afd1c4cec4da98b9a00b3cd675d4af8c7d2c9e5302fc71f3decf2', 1);
INSERT INTO public.cms_user VALUES (4, 'dan', 'dan', 'dan@example.com', 'dan@example.com', 1, '$argon2id$v=19$m=19456,t=2,p=1$f/j4fYKyIA9pJyp3pnNFPA$LEsD89Ouxpmj6DghzDCv75JBWhD5eTrmzdybbF754xU', false, true, NULL, NULL, NULL, NULL, NULL, '[]', 1, '2026-11-22 00:58:59.221667+00', '2026-11-22 00:58:59.221667+00', NULL, 1, '3f402f811a0d63352ed94277b0d38de073eb3fabc2c2acc12b3f08cd1609f1d8', 1);
INSERT INTO public.cms_user VALUES (1, 'ann', 'ann', 'ann@example.com', 'ann@example.com', 1, '$argon2id$v=19$m=19456,t=2,p=1$+taHEa6YPXsIWg/CYuSQzg$aW4svC2zjFt0h8VEX6W40Mk6FHm3OrkMZryJngqQyUc', true, true, NULL, NULL, NULL, NULL, NULL, '[]', 1, '2026-11-22 00:58:54.075215+00', '2026-11-22 00:59:21.447104+00', NULL, 3, 'bb81d162a20e7421715c368cd29c34eceb657db576646540a1f6fc1209e13251', 1);
INSERT INTO public.cms_user VALUES (6, 'fay', 'fay', 'fay@example.com', 'fay@example.com', 1, '$argon2id$v=19$m=19456,t=2,p=1$9hKujoFaU/kpv56eAUxshw$NxCb9ADSeGIeeLeZNBWM/cOEu7iNHa4DXRlWnTwjGQA', false, true, NULL, NULL, NULL, NULL, NULL, '[]', 1, '2026-11-22 00:59:02.89037+00', '2026-11-22 00:59:21.447104+00', NULL, 2, '57afe2ee540ae19173f600edd1cc29915cb94d0c87cf2cd566b25c95e28e407e', 1);
INSERT INTO public.cms_user VALUES (3, 'carol', 'carol', 'carol.new@example.com', 'carol.new@example.com', 2, '$argon2id$v=19$m=19456,t=2,p=1$KE+5fliWpG2Z5wAGOTFb4Q$i+u2BCRBY2AURsX51QKWXZmaSPlvUHBO3Syfq5gLzO4', false, true, NULL, NULL, NULL, NULL, NULL, '[]', 1, '2026-11-22 00:58:57.498489+00', '2026-11-22 00:59:12.226429+00', NULL, 5, 'b66bd2bcfa673a06b29144384bb06f9a5a1ab74639248fbd7eac65d73ce7026f', 1);
INSERT INTO public.cms_user VALUES (5, 'eve', 'eve', 'eve@example.com', 'eve@example.com', 1, '$argon2id$v=19$m=19456,t=2,p=1$2gUpHeAJyCKl1o5dWkctVQ$TJhEH9JCb/a/wguItoDteO11i/W/BkWWHgc963CSM8o', false, true, NULL, NULL, NULL, NULL, NULL, '[]', 1, '2026-11-22 00:59:00.916097+00', '2026-11-22 00:59:23.823847+00', NULL, 4, 'b8e69cf5e99320c644f4e21051313016726574fc81cc4aeec0e669eec111ac27', 1);


--
-- Data for Name: email_change; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.email_change VALUES (1, 3, 3, 1, 'carol.new@example.com', 'carol.new@example.com', 1, '834ef65bd518f6f0c347f82ed16e455a', NULL, '98c7c2698b25fd18faa131ef5e2e0a902b1c9d366d3b3c63932978f58f1a11b5', '2026-11-22 00:59:09.199993+00', '2026-11-22 01:09:09.083538+00', 2, false, true, false, NULL, '127.0.0.1', 'Chrome 156, Linux', 'made', '');
INSERT INTO public.email_change VALUES (2, 2, 2, 4, 'bob.new@example.com', 'bob.new@example.com', 1, '9864b089febeb203366d9798ac01ac05', NULL, '74a30e5a213f4f6a0d3a0ab8ac3cece29369b03455809b16882bc09252d3f1e6', '2026-11-22 00:59:15.099046+00', '2026-11-22 01:09:15.017329+00', 1, false, true, false, NULL, '127.0.0.1', 'Chrome 156, Linux', '', '');
INSERT INTO public.email_change VALUES (3, 6, NULL, 8, 'fay.new@example.com', 'fay.new@example.com', 1, '', NULL, 'bc89e9881c503b2134dc99a2e5b1a3e28a72e24867fc026ecd5981803c54c648', '2026-11-22 00:59:21.500005+00', '2026-11-26 00:59:21.467375+00', 0, false, false, true, 1, '127.0.0.1', 'Chrome 156, Linux', '', '');


--
-- Data for Name: invitation; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.invitation VALUES (1, 'a8c8159e6500c3dc54afb5ebf482e4ed76370935c8264008d06a3670d9f2ed0b', 'gus@example.com', 'gus@example.com', false, 1, '2026-11-22 00:59:19.191606+00', '2026-11-25 00:59:19.191606+00');


--
-- Data for Name: link; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.link VALUES (1, '0fdbd9cb5816825635c397377635bb3cdd481af7f6a56e013ff9f37b055f5814', 'undo', 3, 'carol@example.com', 'carol@example.com', 2, '2026-11-22 00:59:12.238283+00', '2026-11-29 00:59:12.238283+00', NULL, '2026-11-22 00:59:09.199993+00', '127.0.0.1', 'Chrome 156, Linux');
INSERT INTO public.link VALUES (2, '14f2243467bb469109a84d6e675f06a0b798fcd28e6a55edd0c5bed3a02d48a6', 'prove', 6, 'fay.new@example.com', 'fay.new@example.com', 1, '2026-11-22 00:59:21.47079+00', '2026-11-26 00:59:21.47079+00', NULL, NULL, '', '');


--
-- Data for Name: login_session; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.login_session VALUES (1, '0826a8413ca2aaa237421b4aa66c794e763b5f9009efbdc342f1fb30199a3186', 1, false, '2026-11-22 00:59:08.368639+00', '2026-11-22 00:59:08.368639+00', '2026-11-22 00:59:08.368639+00', '127.0.0.1', 'Chrome 156, Linux');
INSERT INTO public.login_session VALUES (2, 'f8ccee59e41589d647a8f002bcbaf2ee4d16609a68b2d00e41fac2e062230885', 2, false, '2026-11-22 00:59:08.700313+00', '2026-11-22 00:59:08.700313+00', '2026-11-22 00:59:08.700313+00', '127.0.0.1', 'Chrome 156, Linux');
INSERT INTO public.login_session VALUES (3, '55a8136a4b588a3a7c529d1b90977cc58a39a54a49678ec5c5378e413003689d', 3, false, '2026-11-22 00:59:08.847382+00', '2026-11-22 00:59:08.847382+00', '2026-11-22 00:59:08.847382+00', '127.0.0.1', 'Chrome 156, Linux');


--
-- Data for Name: mail; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.mail VALUES (1, '<179530914915.752.2551520839774220354@example.net>', 'code', 3, 'carol.new@example.com', '', '', '', 'sent', '2026-11-22 00:59:09.156647+00', '2026-11-22 01:01:41.319764+00', '2026-11-22 01:09:09.083538+00', 1, '2026-11-22 00:59:11.384894+00', '');
INSERT INTO public.mail VALUES (2, '<179530914919.752.5631881878596158112@example.net>', 'heads_up', 3, 'carol@example.com', '', '', '', 'sent', '2026-11-22 00:59:09.193797+00', '2026-11-22 01:01:41.391003+00', '2026-11-22 01:09:09.171369+00', 1, '2026-11-22 00:59:11.443138+00', '');
INSERT INTO public.mail VALUES (3, '<179530915225.752.5159073146458329637@example.net>', 'changed', 3, 'carol@example.com', '', '', '', 'sent', '2026-11-22 00:59:12.250211+00', '2026-11-22 01:01:44.119672+00', '2026-11-25 00:59:12.250211+00', 1, '2026-11-22 00:59:14.183568+00', '');
INSERT INTO public.mail VALUES (6, '<179530915920.752.3116519303181589486@example.net>', 'invitation', 1, 'gus@example.com', '', '', '', 'sent', '2026-11-22 00:59:19.208021+00', '2026-11-22 01:01:50.760365+00', '2026-11-25 00:59:19.191606+00', 1, '2026-11-22 00:59:20.826983+00', '');
INSERT INTO public.mail VALUES (8, '<179530916149.752.13265182292652789449@example.net>', 'assisted_proof', 6, 'fay.new@example.com', '请确认您的新邮箱', 'fay，您好：

已为您发起邮箱修改，将把您账号的邮箱修改为此邮箱。请通过此链接完成修改：

http://127.0.0.1:28403/cms/resetemail/prove/w49vj_cWA_7mK0RoKpPBFHUy4SoG6gESv2FgKnfbc6g/

时间：2026-11-22 00:59 UTC
操作人：ann

如果您不知情，请忽略此邮件，不会有任何改动。

-- 
账号中心 · 127.0.0.1:28403
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
      <p style="margin:0 0 20px;padding-bottom:12px;border-bottom:1px solid #c9cede;font-weight:bold;overflow-wrap:anywhere">账号中心 · 127.0.0.1:28403</p>
      
<p>fay，您好：</p>
<p>已为您发起邮箱修改，将把您账号的邮箱修改为此邮箱。请通过此链接完成修改：</p>
<p style="margin:20px 0"><a href="http://127.0.0.1:28403/cms/resetemail/prove/w49vj_cWA_7mK0RoKpPBFHUy4SoG6gESv2FgKnfbc6g/" style="display:inline-block;padding:12px 24px;border:1px solid #2f6fde;border-radius:8px;background-color:#2f6fde;color:#ffffff;font-weight:bold;text-decoration:none">确认新邮箱</a></p>
<p style="font-size:14px">如果按钮无法点击，请打开以下网址：<br><a href="http://127.0.0.1:28403/cms/resetemail/prove/w49vj_cWA_7mK0RoKpPBFHUy4SoG6gESv2FgKnfbc6g/" style="color:inherit;word-break:break-all">http://127.0.0.1:28403/cms/resetemail/prove/w49vj_cWA_7mK0RoKpPBFHUy4SoG6gESv2FgKnfbc6g/</a></p>
<p style="padding-left:12px;border-left:3px solid #8a93b0;overflow-wrap:anywhere">时间：2026-11-22 00:59 UTC<br>
操作人：ann</p>
<p>如果您不知情，请忽略此邮件，不会有任何改动。</p>

    </div>
  </body>
</html>', 'queued', '2026-11-22 00:59:21.494382+00', '2026-11-23 00:59:21.467375+00', '2026-11-26 00:59:21.467375+00', 0, NULL, '');
INSERT INTO public.mail VALUES (7, '<179530916148.752.7159622273366852205@example.net>', 'assisted', 6, 'fay@example.com', '', '', '', 'sent', '2026-11-22 00:59:21.484279+00', '2026-11-22 01:01:53.736405+00', '2026-11-25 00:59:21.484279+00', 1, '2026-11-22 00:59:23.772764+00', '');
INSERT INTO public.mail VALUES (9, '<179530916157.752.13867345104305301196@example.net>', 'errand:sign_in_refused', NULL, 'eve@example.com', '', '', '', 'sent', '2026-11-22 00:59:21.57682+00', '2026-11-22 01:01:53.776455+00', '2026-11-25 00:59:21.57682+00', 1, '2026-11-22 00:59:23.795274+00', '');
INSERT INTO public.mail VALUES (10, '<179530916173.752.6149354384711992513@example.net>', 'errand:sign_in_refused', NULL, 'eve@example.com', '', '', '', 'sent', '2026-11-22 00:59:21.732295+00', '2026-11-22 01:01:53.799375+00', '2026-11-25 00:59:21.732295+00', 1, '2026-11-22 00:59:23.811462+00', '');
INSERT INTO public.mail VALUES (12, '<179530916432.752.15916540463205576644@example.net>', 'errand:password_link', NULL, 'dan@example.com', '', '{"where": {"network": "127.0.0.1", "browser": "Chrome 156, Linux", "site": "http://127.0.0.1:28403"}, "language": "zh"}', '', 'queued', '2026-11-22 00:59:24.327604+00', '2026-11-22 00:59:24.327604+00', '2026-11-25 00:59:24.327604+00', 0, NULL, '');
INSERT INTO public.mail VALUES (4, '<179530915507.751.3500262669527760431@example.net>', 'code', 2, 'bob.new@example.com', '', '', '', 'sent', '2026-11-22 00:59:15.076122+00', '2026-11-22 01:01:46.687406+00', '2026-11-22 01:09:15.017329+00', 1, '2026-11-22 00:59:16.751024+00', '');
INSERT INTO public.mail VALUES (5, '<179530915509.751.12802208752021624631@example.net>', 'heads_up', 2, 'bob@example.com', '', '', '', 'sent', '2026-11-22 00:59:15.096079+00', '2026-11-22 01:01:46.755286+00', '2026-11-22 01:09:15.083796+00', 1, '2026-11-22 00:59:16.791185+00', '');
INSERT INTO public.mail VALUES (11, '<179530916182.751.18318396344261416827@example.net>', 'errand:sign_in_refused', NULL, 'eve@example.com', '', '', '', 'sent', '2026-11-22 00:59:21.826032+00', '2026-11-22 01:01:53.819814+00', '2026-11-25 00:59:21.826032+00', 1, '2026-11-22 00:59:23.832312+00', '');


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

