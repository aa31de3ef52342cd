BEGIN TRANSACTION;
CREATE TABLE alembic_version (
	version_num VARCHAR(32) NOT NULL, 
	CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
);
INSERT INTO "alembic_version" VALUES('0007');
CREATE TABLE audit (
	id INTEGER NOT NULL, 
	user_id INTEGER NOT NULL, 
	number INTEGER NOT NULL, 
	event VARCHAR(40) NOT NULL, 
	actor_id INTEGER, 
	at DATETIME NOT NULL, 
	last_at DATETIME NOT NULL, 
	times INTEGER NOT NULL, 
	network VARCHAR(64) NOT NULL, 
	browser VARCHAR(200) NOT NULL, 
	detail TEXT NOT NULL, 
	chain VARCHAR(64) NOT NULL, key_id VARCHAR(8), request_id VARCHAR(64), 
	CONSTRAINT pk_audit PRIMARY KEY (id), 
	CONSTRAINT fk_audit_user_id FOREIGN KEY(user_id) REFERENCES cms_user (id), 
	CONSTRAINT uq_audit_user_id_number UNIQUE (user_id, number)
);
INSERT INTO "audit" VALUES(1,1,1,'administrator_created',NULL,'2026-11-22 05:06:15.544633','2026-11-22 05:06:15.544633',1,'-','command line','{"superuser": true}','74ff6cac91fe781c4ccc1a0f71f0acf6787c407b2f2378d20a6978565caf7ff8','a1e15d34',NULL);
INSERT INTO "audit" VALUES(2,2,1,'administrator_created',NULL,'2026-11-22 05:06:16.623345','2026-11-22 05:06:16.623345',1,'-','command line','{"superuser": false}','498e7feb8b35fa25b755eced0d58d123d4808c7f43eb401693076615352655cb','a1e15d34',NULL);
INSERT INTO "audit" VALUES(3,3,1,'administrator_created',NULL,'2026-11-22 05:06:17.692730','2026-11-22 05:06:17.692730',1,'-','command line','{"superuser": false}','ec6758aea9f3a022d33afa358f3408d322b585cc897acc06a0f4774e5e0b5e5c','a1e15d34',NULL);
INSERT INTO "audit" VALUES(4,4,1,'administrator_created',NULL,'2026-11-22 05:06:18.820820','2026-11-22 05:06:18.820820',1,'-','command line','{"superuser": false}','ae2fc909317bc36bb27e46a11db89ae22c807d7e07a83b1253cda53227199932','a1e15d34',NULL);
INSERT INTO "audit" VALUES(5,5,1,'administrator_created',NULL,'2026-11-22 05:06:20.142032','2026-11-22 05:06:20.142032',1,'-','command line','{"superuser": false}','b3678d4cc273510b975fd2e35d785ead2f17a475c179bb6ebdeafc5bce4ecba7','a1e15d34',NULL);
INSERT INTO "audit" VALUES(6,6,1,'administrator_created',NULL,'2026-11-22 05:06:21.300010','2026-11-22 05:06:21.300010',1,'-','command line','{"superuser": false}','47b6c9b658659239c6044929b14b8851db996615151e0721fe79562c724740c5','a1e15d34',NULL);
INSERT INTO "audit" VALUES(7,1,2,'signed_in',1,'2026-11-22 05:06:22.596313','2026-11-22 05:06:22.596313',1,'127.0.0.1','Chrome 156, Linux','{}','58aad81661430fb589fa330242cfcbbfb4a81e3dfe223abb64def4c51ab43ea8','a1e15d34','7e30db5c4075721e');
INSERT INTO "audit" VALUES(8,2,2,'signed_in',2,'2026-11-22 05:06:22.755775','2026-11-22 05:06:22.755775',1,'127.0.0.1','Chrome 156, Linux','{}','f8d48d98daf19eaf58bf3abdc1c6aa5b26cd5c5d6f839ab27f52b52c32705a2a','a1e15d34','9779bd40b2754f66');
INSERT INTO "audit" VALUES(9,3,2,'signed_in',3,'2026-11-22 05:06:22.797778','2026-11-22 05:06:22.797778',1,'127.0.0.1','Chrome 156, Linux','{}','34487f8fc8f4e004fe7e8d99d43a3f63c03a4f2e6693a4c871b741bdfd52388f','a1e15d34','9f0ddfa7767896b6');
INSERT INTO "audit" VALUES(10,5,2,'signed_in',5,'2026-11-22 05:06:22.847439','2026-11-22 05:06:22.847439',1,'127.0.0.1','Chrome 156, Linux','{}','12d5a9c8907fee49016d4937769fa0f63973c68f745b05a3ae515ac92cdb43d4','a1e15d34','d22964f45271f74a');
INSERT INTO "audit" VALUES(11,3,3,'code_requested',3,'2026-11-22 05:06:22.918825','2026-11-22 05:06:22.918825',1,'127.0.0.1','Chrome 156, Linux','{"email": "carol.new@example.com"}','cc6e43a9dc6b7cbe630c7543e124f777d27f6c3edfce29e1807834318cb58af9','a1e15d34','1caccc808c2908fb');
INSERT INTO "audit" VALUES(12,3,4,'code_wrong',3,'2026-11-22 05:06:24.142598','2026-11-22 05:06:24.142598',1,'127.0.0.1','Chrome 156, Linux','{"email": "carol.new@example.com"}','c72c0005e9df1281a3b0e5d27f8de5b1849508bdf88ee3b11b86346fdb0b4226','a1e15d34','cf20d4277518d18b');
INSERT INTO "audit" VALUES(13,3,5,'email_changed',3,'2026-11-22 05:06:24.148666','2026-11-22 05:06:24.148666',1,'127.0.0.1','Chrome 156, Linux','{"new": "carol.new@example.com", "old": "carol@example.com"}','f4f960d79e3209431878a51d1c98a3c96955fea6f2bfeef31e5e71c2cc0e003b','a1e15d34','9eb67cac9dded1df');
INSERT INTO "audit" VALUES(14,2,3,'code_requested',2,'2026-11-22 05:06:25.311744','2026-11-22 05:06:25.311744',1,'127.0.0.1','Chrome 156, Linux','{"email": "bob.new@example.com"}','be250bf24119c24473477ea7e9bae9c662f1b38bbfc75ab1e4dc568ee4d0029e','a1e15d34','0111964780688d00');
INSERT INTO "audit" VALUES(15,2,4,'code_wrong',2,'2026-11-22 05:06:26.661564','2026-11-22 05:06:26.661564',1,'127.0.0.1','Chrome 156, Linux','{"email": "bob.new@example.com"}','2bf80e5f2693a4300bae4daf938f8f7f0384b1a3c65c06e070f0579b898c125c','a1e15d34','6bdaee243851451a');
INSERT INTO "audit" VALUES(16,1,3,'invitation_sent',1,'2026-11-22 05:06:27.989619','2026-11-22 05:06:27.989619',1,'127.0.0.1','Chrome 156, Linux','{"email": "gus@example.com", "superuser": false}','ee138939d0485c9ad32a859963bbaaf01efc23888cddea91c9525d9719de85c0','a1e15d34','bd6ca7b95114222c');
INSERT INTO "audit" VALUES(17,6,2,'change_started',1,'2026-11-22 05:06:29.386530','2026-11-22 05:06:29.386530',1,'127.0.0.1','Chrome 156, Linux','{"by": "ann", "email": "fay.new@example.com", "reason": "lost her mailbox"}','e30cc19e64d64074082e9d4d8b77222a9c8c3a83b6c82d4dec04b1fcf7b80e16','a1e15d34','79700c3aa1831351');
INSERT INTO "audit" VALUES(18,5,3,'signed_out',5,'2026-11-22 05:06:29.555749','2026-11-22 05:06:29.555749',1,'127.0.0.1','Chrome 156, Linux','{}','a4c3492e338ae2d9a696803aba3d8feef59401dbe2f36f854c0bb7504a248229','a1e15d34','04cff1b3eb119267');
INSERT INTO "audit" VALUES(19,5,4,'sign_in_failed',5,'2026-11-22 05:06:29.425805','2026-11-22 05:06:29.538945',3,'127.0.0.1','Chrome 156, Linux','{}','50e8049263ed11967d28d330bc8838a15c2acbc960316bbfc0d165c3eb219f4b','a1e15d34','c6feb15e6f7b8ec5');
CREATE TABLE budget (
	"key" VARCHAR(64) NOT NULL, 
	used INTEGER NOT NULL, 
	used_at DATETIME NOT NULL, 
	resets_at DATETIME NOT NULL, 
	CONSTRAINT pk_budget PRIMARY KEY ("key")
);
INSERT INTO "budget" VALUES('2473c4d9ad1cd8e2779b13295bba09a8487b72b57daf50f3dc21580436ef0fcf',1,'2026-11-22 05:06:22.895265','2026-11-22 06:06:22.895265');
INSERT INTO "budget" VALUES('4d52d9181fbecfde1d766b282dcbaee9baf05cb04ac36c518732dafaf34ff2e5',1,'2026-11-22 05:06:22.895265','2026-11-22 06:06:22.895265');
INSERT INTO "budget" VALUES('d13fe704acec3384faeaf4a12fe898418d7fd387d178ad136c841af9354f8a4d',1,'2026-11-22 05:06:22.895265','2026-11-23 05:06:22.895265');
INSERT INTO "budget" VALUES('dae428aad6b057aa354b438cded2fb1f9f751241e07ea2b6cfd114e1a72a0bbc',2,'2026-11-22 05:06:25.309840','2026-11-22 06:06:22.895265');
INSERT INTO "budget" VALUES('0c938d5a29069cb229fc7ed3880b5c4aef52721bda6d9ead5f72edd3716cde15',2,'2026-11-22 05:06:24.148248','2026-11-23 05:06:24.141995');
INSERT INTO "budget" VALUES('2319e8a1d3803deb9815b114c1ceb0b62e7e29df8b51946fb38bfbf60d001dd1',2,'2026-11-22 05:06:24.148248','2026-11-23 05:06:24.141995');
INSERT INTO "budget" VALUES('2beefded8416fa255543a5a93bc420c16fa09e175b428f7a8346660d9a1bea66',1,'2026-11-22 05:06:25.309840','2026-11-22 06:06:25.309840');
INSERT INTO "budget" VALUES('e819d40996c06513a021915c4c30e8b40f86a5af9327eab3416a226befa66821',1,'2026-11-22 05:06:25.309840','2026-11-23 05:06:25.309840');
INSERT INTO "budget" VALUES('f93053a5efb0f6a56d39b909e33035986c106896a08d32b2c8f9bc5ea6a60e46',1,'2026-11-22 05:06:25.309840','2026-11-22 06:06:25.309840');
INSERT INTO "budget" VALUES('603f9f295bc34c1ee937907c707ba1950ce7a57459f736417282d63fff5f63ab',1,'2026-11-22 05:06:26.661229','2026-11-23 05:06:26.661229');
INSERT INTO "budget" VALUES('82f509c0124e30f87d49ec82f74ebca65a372fb8c5064da17184aab721e675c1',1,'2026-11-22 05:06:26.661229','2026-11-23 05:06:26.661229');
INSERT INTO "budget" VALUES('ae32f60042d346b17fc9d7850f725f342f2030863d1830420e2d8a8541ec0ea2',1,'2026-11-22 05:06:27.963583','2026-11-22 06:06:27.963583');
CREATE TABLE cms_user (
	id INTEGER NOT NULL, 
	username VARCHAR(50) NOT NULL, 
	username_key VARCHAR(100) NOT NULL, 
	email VARCHAR(254) NOT NULL, 
	email_key VARCHAR(254) NOT NULL, 
	email_version INTEGER NOT NULL, 
	password_hash VARCHAR(200) NOT NULL, 
	is_superuser BOOLEAN NOT NULL, 
	is_active BOOLEAN NOT NULL, 
	language VARCHAR(10), 
	mobile VARCHAR(20), 
	staff_number INTEGER, 
	gender VARCHAR(10), 
	city VARCHAR(40), 
	interests JSON NOT NULL, 
	profile_version INTEGER NOT NULL, 
	created_at DATETIME NOT NULL, 
	acted_at DATETIME NOT NULL, 
	frozen_until DATETIME, 
	audit_rows INTEGER NOT NULL, 
	audit_chain VARCHAR(64) NOT NULL, password_version INTEGER DEFAULT '1' NOT NULL, signed_in_at DATETIME, time_zone VARCHAR(64), 
	CONSTRAINT pk_cms_user PRIMARY KEY (id), 
	CONSTRAINT uq_cms_user_email_key UNIQUE (email_key), 
	CONSTRAINT uq_cms_user_username_key UNIQUE (username_key)
);
INSERT INTO "cms_user" VALUES(1,'ann','ann','ann@example.com','ann@example.com',1,'$argon2id$v=19$m=19456,t=2,p=1$oVS3U6Mk/iF4o1qEp5PPSQ$Cve5h8GRqRsME92lMJd5w8Yu3Qq+A0gjpvZcNjr7pos',1,1,NULL,NULL,NULL,NULL,NULL,'[]',1,'2026-11-22 05:06:15.536458','2026-11-22 05:06:27.989619',NULL,3,'ee138939d0485c9ad32a859963bbaaf01efc23888cddea91c9525d9719de85c0',1,'2026-11-22 05:06:22.596296',NULL);
INSERT INTO "cms_user" VALUES(2,'bob','bob','bob@example.com','bob@example.com',1,'$argon2id$v=19$m=19456,t=2,p=1$NxmDHO3hBnietW6gB4irHQ$q+kJGyU20Vo73og0aFzbA4U6xvaezm+0SJF6jeh/m+s',0,1,NULL,NULL,NULL,NULL,NULL,'[]',1,'2026-11-22 05:06:16.586436','2026-11-22 05:06:26.661564',NULL,4,'2bf80e5f2693a4300bae4daf938f8f7f0384b1a3c65c06e070f0579b898c125c',1,'2026-11-22 05:06:22.755757',NULL);
INSERT INTO "cms_user" VALUES(3,'carol','carol','carol.new@example.com','carol.new@example.com',2,'$argon2id$v=19$m=19456,t=2,p=1$r3QGiDFSxCFrnF++zpqmEg$W6OzdkZg0pdTyUw5EfFJgj88jkWNM3okDgzmgViA7C4',0,1,NULL,NULL,NULL,NULL,NULL,'[]',1,'2026-11-22 05:06:17.648840','2026-11-22 05:06:24.148666',NULL,5,'f4f960d79e3209431878a51d1c98a3c96955fea6f2bfeef31e5e71c2cc0e003b',1,'2026-11-22 05:06:22.797756',NULL);
INSERT INTO "cms_user" VALUES(4,'dan','dan','dan@example.com','dan@example.com',1,'$argon2id$v=19$m=19456,t=2,p=1$X726rd/cotOn3a0Q2pvexA$5TMWhOTCrU8BDTfYRz17ysDbqIS0MDxYkGVC10XYLRU',0,1,NULL,NULL,NULL,NULL,NULL,'[]',1,'2026-11-22 05:06:18.783571','2026-11-22 05:06:18.820820',NULL,1,'ae2fc909317bc36bb27e46a11db89ae22c807d7e07a83b1253cda53227199932',1,NULL,NULL);
INSERT INTO "cms_user" VALUES(5,'eve','eve','eve@example.com','eve@example.com',1,'$argon2id$v=19$m=19456,t=2,p=1$PdJRrGXQQ+dE30txw4wvMg$Zj7XynplJ5tn0PI8n3XauICwpxvWuAtwhcIIpmVYaDE',0,1,NULL,NULL,NULL,NULL,NULL,'[]',1,'2026-11-22 05:06:20.105210','2026-11-22 05:06:29.425805',NULL,4,'50e8049263ed11967d28d330bc8838a15c2acbc960316bbfc0d165c3eb219f4b',1,'2026-11-22 05:06:22.847417',NULL);
INSERT INTO "cms_user" VALUES(6,'fay','fay','fay@example.com','fay@example.com',1,'$argon2id$v=19$m=19456,t=2,p=1$I+MkWVo6W6hUwzV2qkZX3w$LaGhcH3cuVm1vtuY5TT3ITDDOPckZ4bZEQFB5V8inAI',0,1,NULL,NULL,NULL,NULL,NULL,'[]',1,'2026-11-22 05:06:21.263506','2026-11-22 05:06:29.386530',NULL,2,'e30cc19e64d64074082e9d4d8b77222a9c8c3a83b6c82d4dec04b1fcf7b80e16',1,NULL,NULL);
CREATE TABLE "email_change" (
	id INTEGER NOT NULL, 
	user_id INTEGER NOT NULL, 
	session_id INTEGER, 
	mail_id INTEGER, 
	email VARCHAR(254) NOT NULL, 
	email_key VARCHAR(254) NOT NULL, 
	email_version INTEGER NOT NULL, 
	nonce VARCHAR(32) NOT NULL, 
	old_nonce VARCHAR(32), 
	stop_hash VARCHAR(64) NOT NULL, 
	asked_at DATETIME NOT NULL, 
	expires_at DATETIME NOT NULL, 
	tries INTEGER NOT NULL, 
	new_proved BOOLEAN NOT NULL, 
	old_proved BOOLEAN NOT NULL, 
	is_assisted BOOLEAN DEFAULT 0 NOT NULL, 
	started_by INTEGER, 
	network VARCHAR(64) DEFAULT '' NOT NULL, 
	browser VARCHAR(200) DEFAULT '' NOT NULL, 
	outcome VARCHAR(10) DEFAULT '' NOT NULL, 
	ended_by VARCHAR(50) DEFAULT '' NOT NULL, 
	CONSTRAINT pk_email_change PRIMARY KEY (id), 
	CONSTRAINT uq_email_change_stop_hash UNIQUE (stop_hash), 
	CONSTRAINT uq_email_change_user_id UNIQUE (user_id), 
	CONSTRAINT fk_email_change_user_id FOREIGN KEY(user_id) REFERENCES cms_user (id) ON DELETE CASCADE, 
	CONSTRAINT fk_email_change_mail_id FOREIGN KEY(mail_id) REFERENCES mail (id) ON DELETE SET NULL, 
	CONSTRAINT fk_email_change_started_by FOREIGN KEY(started_by) REFERENCES cms_user (id) ON DELETE SET NULL, 
	CONSTRAINT fk_email_change_session_id FOREIGN KEY(session_id) REFERENCES login_session (id) ON DELETE SET NULL
);
INSERT INTO "email_change" VALUES(1,3,3,1,'carol.new@example.com','carol.new@example.com',1,'a1e15d34.kvq7gvc6uHdHMBt77WuBZg',NULL,'947e29d67f4fe238e2481eeadfd16a43d8ae29010342f32bd2ed25cc63620141','2026-11-22 05:06:22.916816','2026-11-22 05:16:22.896713',2,0,0,0,NULL,'127.0.0.1','Chrome 156, Linux','made','');
INSERT INTO "email_change" VALUES(2,2,2,4,'bob.new@example.com','bob.new@example.com',1,'a1e15d34.U3lEmHx9ubWNDnQiL4uV3Q',NULL,'dcb0c0699039b6d3cba2d66cb15738af314213568e508d75ea56d2d9a70a3cbd','2026-11-22 05:06:25.311247','2026-11-22 05:16:25.310150',1,0,0,0,NULL,'127.0.0.1','Chrome 156, Linux','','');
INSERT INTO "email_change" VALUES(3,6,NULL,8,'fay.new@example.com','fay.new@example.com',1,'',NULL,'6abcc07e844f5cf41c2af21f60a5ffa35543d465fae560c8000087b50ea775ed','2026-11-22 05:06:29.383777','2026-11-26 05:06:29.369148',0,0,0,1,1,'127.0.0.1','Chrome 156, Linux','','');
CREATE TABLE invitation (
	id INTEGER NOT NULL, 
	token_hash VARCHAR(64) NOT NULL, 
	email VARCHAR(254) NOT NULL, 
	email_key VARCHAR(254) NOT NULL, 
	is_superuser BOOLEAN NOT NULL, 
	invited_by INTEGER NOT NULL, 
	created_at DATETIME NOT NULL, 
	expires_at DATETIME NOT NULL, 
	CONSTRAINT pk_invitation PRIMARY KEY (id), 
	CONSTRAINT fk_invitation_invited_by FOREIGN KEY(invited_by) REFERENCES cms_user (id), 
	CONSTRAINT uq_invitation_email_key UNIQUE (email_key), 
	CONSTRAINT uq_invitation_token_hash UNIQUE (token_hash)
);
INSERT INTO "invitation" VALUES(1,'2262eba32af4e0468cd40bbd164e684c2ab68b6f44413e3d9a1a747ae4e2ea4d','gus@example.com','gus@example.com',0,1,'2026-11-22 05:06:27.964438','2026-11-25 05:06:27.964438');
CREATE TABLE link (
	id INTEGER NOT NULL, 
	token_hash VARCHAR(64) NOT NULL, 
	purpose VARCHAR(10) NOT NULL, 
	user_id INTEGER NOT NULL, 
	email VARCHAR(254) NOT NULL, 
	email_key VARCHAR(254) NOT NULL, 
	email_version INTEGER NOT NULL, 
	created_at DATETIME NOT NULL, 
	expires_at DATETIME NOT NULL, 
	ended_at DATETIME, since DATETIME, network VARCHAR(64) DEFAULT '' NOT NULL, browser VARCHAR(200) DEFAULT '' NOT NULL, 
	CONSTRAINT pk_link PRIMARY KEY (id), 
	CONSTRAINT fk_link_user_id FOREIGN KEY(user_id) REFERENCES cms_user (id) ON DELETE CASCADE, 
	CONSTRAINT uq_link_token_hash UNIQUE (token_hash)
);
INSERT INTO "link" VALUES(1,'8c4e1128521b4600c1310886e5d634ade9f15cf8026b090184a521d59b41b11f','undo',3,'carol@example.com','carol@example.com',2,'2026-11-22 05:06:24.150587','2026-11-29 05:06:24.150587',NULL,'2026-11-22 05:06:22.916816','127.0.0.1','Chrome 156, Linux');
INSERT INTO "link" VALUES(2,'4059f4af7a100201c988f55e8d50acf624a617ef1fe565632470686008c3caeb','prove',6,'fay.new@example.com','fay.new@example.com',1,'2026-11-22 05:06:29.371083','2026-11-26 05:06:29.371083',NULL,NULL,'','');
CREATE TABLE login_session (
	id INTEGER NOT NULL, 
	id_hash VARCHAR(64) NOT NULL, 
	user_id INTEGER NOT NULL, 
	remembered BOOLEAN NOT NULL, 
	created_at DATETIME NOT NULL, 
	seen_at DATETIME NOT NULL, 
	proved_at DATETIME NOT NULL, 
	network VARCHAR(64) NOT NULL, 
	browser VARCHAR(200) NOT NULL, key_id VARCHAR(8), 
	CONSTRAINT pk_login_session PRIMARY KEY (id), 
	CONSTRAINT fk_login_session_user_id FOREIGN KEY(user_id) REFERENCES cms_user (id) ON DELETE CASCADE, 
	CONSTRAINT uq_login_session_id_hash UNIQUE (id_hash)
);
INSERT INTO "login_session" VALUES(1,'6e5197a9b0e2f60e5fa6d83a00c0d7f07b20c4fe509c1c99249e730d0703c0eb',1,0,'2026-11-22 05:06:22.595924','2026-11-22 05:06:22.595924','2026-11-22 05:06:22.595924','127.0.0.1','Chrome 156, Linux','a1e15d34');
INSERT INTO "login_session" VALUES(2,'0d408b368fb7d082e5dd3df07f9a3f1ed92e3f912eb8217098770fa3afb86622',2,0,'2026-11-22 05:06:22.755394','2026-11-22 05:06:22.755394','2026-11-22 05:06:22.755394','127.0.0.1','Chrome 156, Linux','a1e15d34');
INSERT INTO "login_session" VALUES(3,'916a57d4e59dd7ac2199f3b6fcd0b9040c83c86b39f903948aca8207eb65f2e0',3,0,'2026-11-22 05:06:22.797510','2026-11-22 05:06:22.797510','2026-11-22 05:06:22.797510','127.0.0.1','Chrome 156, Linux','a1e15d34');
CREATE TABLE mail (
	id INTEGER NOT NULL, 
	message_id VARCHAR(200) NOT NULL, 
	kind VARCHAR(40) NOT NULL, 
	user_id INTEGER, 
	recipient VARCHAR(254) NOT NULL, 
	subject TEXT NOT NULL, 
	body TEXT NOT NULL, 
	html TEXT NOT NULL, 
	state VARCHAR(10) NOT NULL, 
	created_at DATETIME NOT NULL, 
	due_at DATETIME NOT NULL, 
	not_after DATETIME NOT NULL, 
	tries INTEGER NOT NULL, 
	done_at DATETIME, 
	problem VARCHAR(200) NOT NULL, 
	CONSTRAINT pk_mail PRIMARY KEY (id), 
	CONSTRAINT fk_mail_user_id FOREIGN KEY(user_id) REFERENCES cms_user (id) ON DELETE CASCADE, 
	CONSTRAINT uq_mail_message_id UNIQUE (message_id)
);
INSERT INTO "mail" VALUES(1,'<179532398291.11390.3680064368400093096@example.net>','code',3,'carol.new@example.com','','','','sent','2026-11-22 05:06:22.915325','2026-11-22 05:08:53.818740','2026-11-22 05:16:22.896713',1,'2026-11-22 05:06:23.835101','');
INSERT INTO "mail" VALUES(2,'<179532398291.11390.11608556986183512685@example.net>','heads_up',3,'carol@example.com','','','','sent','2026-11-22 05:06:22.915325','2026-11-22 05:08:53.818740','2026-11-22 05:16:22.896713',1,'2026-11-22 05:06:23.843719','');
INSERT INTO "mail" VALUES(3,'<179532398416.11390.12925342436225947071@example.net>','changed',3,'carol@example.com','','','','sent','2026-11-22 05:06:24.161487','2026-11-22 05:08:55.002057','2026-11-25 05:06:24.161487',1,'2026-11-22 05:06:25.013406','');
INSERT INTO "mail" VALUES(4,'<179532398531.11390.499451537679865663@example.net>','code',2,'bob.new@example.com','','','','sent','2026-11-22 05:06:25.310915','2026-11-22 05:08:56.243485','2026-11-22 05:16:25.310150',1,'2026-11-22 05:06:26.260239','');
INSERT INTO "mail" VALUES(5,'<179532398531.11390.13497689607736430306@example.net>','heads_up',2,'bob@example.com','','','','sent','2026-11-22 05:06:25.310915','2026-11-22 05:08:56.243485','2026-11-22 05:16:25.310150',1,'2026-11-22 05:06:26.268962','');
INSERT INTO "mail" VALUES(6,'<179532398798.11391.15403019712959803049@example.net>','invitation',1,'gus@example.com','','','','sent','2026-11-22 05:06:27.987452','2026-11-22 05:08:58.850592','2026-11-25 05:06:27.964438',1,'2026-11-22 05:06:28.864836','');
INSERT INTO "mail" VALUES(7,'<179532398937.11391.9055052349989924053@example.net>','assisted',6,'fay@example.com','','','','sent','2026-11-22 05:06:29.378547','2026-11-22 05:09:00.663998','2026-11-25 05:06:29.378547',1,'2026-11-22 05:06:30.678414','');
INSERT INTO "mail" VALUES(8,'<179532398938.11391.5724390419437889571@example.net>','assisted_proof',6,'fay.new@example.com','请确认您的新邮箱','fay，您好：

已为您发起邮箱修改，您账号的邮箱将改为此邮箱。请通过以下链接确认：

http://127.0.0.1:26113/cms/resetemail/prove/fP1MWPuq72IsVLEiUz3C4ea-Zyi92BYHH2pMOWtih58/

时间：2026-11-22 05:06 UTC
操作人：ann

如果您不知情，请忽略此邮件，不会有任何改动。

-- 
账号中心 · 127.0.0.1:26113
','<!doctype html>
<html lang="zh">
  <head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <meta name="color-scheme" content="light dark">
    <title>账号中心</title>
  </head>
  <body style="margin:0;padding:24px 12px;font-family:-apple-system,''Segoe UI'',Roboto,''PingFang SC'',''Microsoft YaHei'',''Noto Sans CJK SC'',sans-serif;font-size:16px;line-height:1.6">
    <div style="max-width:560px;margin:0 auto;padding:24px;border:1px solid #c9cede;border-radius:12px">
      <p style="margin:0 0 20px;padding-bottom:12px;border-bottom:1px solid #c9cede;font-weight:bold;overflow-wrap:anywhere">账号中心 · 127.0.0.1:26113</p>
      
<p>fay，您好：</p>
<p>已为您发起邮箱修改，您账号的邮箱将改为此邮箱。请通过以下链接确认：</p>
<p style="margin:20px 0"><a href="http://127.0.0.1:26113/cms/resetemail/prove/fP1MWPuq72IsVLEiUz3C4ea-Zyi92BYHH2pMOWtih58/" style="display:inline-block;padding:12px 24px;border:1px solid #2f6fde;border-radius:8px;background-color:#2f6fde;color:#ffffff;font-weight:bold;text-decoration:none">确认新邮箱</a></p>
<p style="font-size:14px">如果按钮无法点击，请打开以下网址：<br><a href="http://127.0.0.1:26113/cms/resetemail/prove/fP1MWPuq72IsVLEiUz3C4ea-Zyi92BYHH2pMOWtih58/" style="color:inherit;word-break:break-all">http://127.0.0.1:26113/cms/resetemail/prove/fP1MWPuq72IsVLEiUz3C4ea-Zyi92BYHH2pMOWtih58/</a></p>
<p style="padding-left:12px;border-left:3px solid #8a93b0;overflow-wrap:anywhere">时间：2026-11-22 05:06 UTC<br>
操作人：ann</p>
<p>如果您不知情，请忽略此邮件，不会有任何改动。</p>

    </div>
  </body>
</html>','queued','2026-11-22 05:06:29.383457','2026-11-23 05:06:29.369148','2026-11-26 05:06:29.369148',0,NULL,'');
INSERT INTO "mail" VALUES(9,'<179532399112.11391.17601994884922137636@example.net>','task:password_link',NULL,'dan@example.com','','{"request_id": "b414af751929197b", "origin": {"network": "127.0.0.1", "browser": "Chrome 156, Linux", "site": "http://127.0.0.1:26113", "time_zone": ""}, "language": "zh"}','','queued','2026-11-22 05:06:31.121531','2026-11-22 05:06:31.121531','2026-11-25 05:06:31.121531',0,NULL,'');
CREATE INDEX ix_budget_resets_at ON budget (resets_at);
CREATE INDEX ix_cms_user_created_at ON cms_user (created_at);
CREATE INDEX ix_link_email_key ON link (email_key);
CREATE INDEX ix_link_user_id_purpose ON link (user_id, purpose);
CREATE INDEX ix_login_session_user_id ON login_session (user_id);
CREATE INDEX ix_mail_state_due_at ON mail (state, due_at);
CREATE INDEX ix_mail_user_id ON mail (user_id);
CREATE INDEX ix_invitation_created_at ON invitation (created_at);
CREATE INDEX ix_invitation_expires_at ON invitation (expires_at);
CREATE INDEX ix_link_ended_at ON link (ended_at);
CREATE INDEX ix_link_expires_at ON link (expires_at);
CREATE INDEX ix_login_session_remembered_created_at ON login_session (remembered, created_at);
CREATE INDEX ix_login_session_remembered_seen_at ON login_session (remembered, seen_at);
CREATE INDEX ix_mail_done_at ON mail (done_at);
CREATE INDEX ix_audit_actor_id_at ON audit (actor_id, at);
CREATE INDEX ix_email_change_mail_id ON email_change (mail_id);
CREATE INDEX ix_email_change_expires_at ON email_change (expires_at);
CREATE INDEX ix_email_change_session_id ON email_change (session_id);
CREATE INDEX ix_email_change_started_by ON email_change (started_by);
CREATE INDEX ix_email_change_is_assisted ON email_change (asked_at, id) WHERE is_assisted = 1;
CREATE INDEX ix_cms_user_is_superuser ON cms_user (id) WHERE is_superuser = 1;
COMMIT;
