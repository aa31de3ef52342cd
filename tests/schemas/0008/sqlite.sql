BEGIN TRANSACTION;
CREATE TABLE alembic_version (
	version_num VARCHAR(32) NOT NULL, 
	CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
);
INSERT INTO "alembic_version" VALUES('0008');
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
INSERT INTO "audit" VALUES(1,1,1,'administrator_created',NULL,'2026-11-22 06:55:43.616654','2026-11-22 06:55:43.616654',1,'-','command line','{"superuser": true}','d2ad3bd51a9ee0a640108bb6b31add9ed52fbd9ca98c817709fd53ad1e77127f','a1e15d34',NULL);
INSERT INTO "audit" VALUES(2,2,1,'administrator_created',NULL,'2026-11-22 06:55:44.936840','2026-11-22 06:55:44.936840',1,'-','command line','{"superuser": false}','764939751b42283d019433af20edd172fd1e0f2599a34e33fe24a09093595ba4','a1e15d34',NULL);
INSERT INTO "audit" VALUES(3,3,1,'administrator_created',NULL,'2026-11-22 06:55:46.074776','2026-11-22 06:55:46.074776',1,'-','command line','{"superuser": false}','5b7ebc149cd29f1f89295016d152668c49e2b13aa7e8031737ff90230802e124','a1e15d34',NULL);
INSERT INTO "audit" VALUES(4,4,1,'administrator_created',NULL,'2026-11-22 06:55:47.627818','2026-11-22 06:55:47.627818',1,'-','command line','{"superuser": false}','340ba0df6d80c16ffe4822e43f59d697f3628941adce3ca5e9948d8f52f55541','a1e15d34',NULL);
INSERT INTO "audit" VALUES(5,5,1,'administrator_created',NULL,'2026-11-22 06:55:49.008801','2026-11-22 06:55:49.008801',1,'-','command line','{"superuser": false}','de29e94191486429d015447f95cad3cd106b21b9faa10d82ff3233dc6a36d370','a1e15d34',NULL);
INSERT INTO "audit" VALUES(6,6,1,'administrator_created',NULL,'2026-11-22 06:55:50.135804','2026-11-22 06:55:50.135804',1,'-','command line','{"superuser": false}','ee70b25e62a012c9036f337af9dba85d4e8771be60742e75d13015d7c9d37c2f','a1e15d34',NULL);
INSERT INTO "audit" VALUES(7,1,2,'signed_in',1,'2026-11-22 06:55:51.491283','2026-11-22 06:55:51.491283',1,'127.0.0.1','Chrome 156, Linux','{}','2286212c4fa735b65c983a7c799cb52b0284cffc14724b63e94668dd739d752c','a1e15d34','47b1984ab8f2dad0');
INSERT INTO "audit" VALUES(8,2,2,'signed_in',2,'2026-11-22 06:55:51.649887','2026-11-22 06:55:51.649887',1,'127.0.0.1','Chrome 156, Linux','{}','e2ba6c75edbe311721910eb8b1e39e715c2aa8e44dd3b6924a7bc3ccc30c0005','a1e15d34','e5534983faadfbba');
INSERT INTO "audit" VALUES(9,3,2,'signed_in',3,'2026-11-22 06:55:51.705773','2026-11-22 06:55:51.705773',1,'127.0.0.1','Chrome 156, Linux','{}','3ac60ec5d1e187d8d2204e663dd94ef630de9483db24ba66b28477729f3558b5','a1e15d34','0b2bb2cb22c39d27');
INSERT INTO "audit" VALUES(10,5,2,'signed_in',5,'2026-11-22 06:55:51.746270','2026-11-22 06:55:51.746270',1,'127.0.0.1','Chrome 156, Linux','{}','459b0bd4254a43cb362f0b65caa994d56e74473dc22a96be524bca3f3e63799d','a1e15d34','575c11daabf7e208');
INSERT INTO "audit" VALUES(11,3,3,'code_requested',3,'2026-11-22 06:55:51.823446','2026-11-22 06:55:51.823446',1,'127.0.0.1','Chrome 156, Linux','{"email": "carol.new@example.com"}','114cc7330b688d4cdd5d830cca91a18796ca34fc21461528acdfcd1b130e5f2e','a1e15d34','ce1f17d6403d6a7a');
INSERT INTO "audit" VALUES(12,3,4,'code_wrong',3,'2026-11-22 06:55:53.139343','2026-11-22 06:55:53.139343',1,'127.0.0.1','Chrome 156, Linux','{"email": "carol.new@example.com"}','2cea34882ff1fe253d9747b732f0d44b7916d65126e8a1405bf534b70744a727','a1e15d34','ec9ef2e43f385147');
INSERT INTO "audit" VALUES(13,3,5,'email_changed',3,'2026-11-22 06:55:53.147041','2026-11-22 06:55:53.147041',1,'127.0.0.1','Chrome 156, Linux','{"new": "carol.new@example.com", "old": "carol@example.com"}','4c4cdda88b9399cd506ea47054f5721959ac6d939b1812f9f0337055c552c92b','a1e15d34','a472a8edc09f0edf');
INSERT INTO "audit" VALUES(14,2,3,'code_requested',2,'2026-11-22 06:55:54.709271','2026-11-22 06:55:54.709271',1,'127.0.0.1','Chrome 156, Linux','{"email": "bob.new@example.com"}','3a8c6865271a3e31c77970bfeecf2dd6cdb234499704d659876f79e2b5124a4a','a1e15d34','55f21cfd87e76e66');
INSERT INTO "audit" VALUES(15,2,4,'code_wrong',2,'2026-11-22 06:55:55.831925','2026-11-22 06:55:55.831925',1,'127.0.0.1','Chrome 156, Linux','{"email": "bob.new@example.com"}','167bf127405cee2bada63ce22c6e92fca0685e2440160dfa965ff6179a4d7aed','a1e15d34','bc67d507a0891140');
INSERT INTO "audit" VALUES(16,1,3,'invitation_sent',1,'2026-11-22 06:55:57.108717','2026-11-22 06:55:57.108717',1,'127.0.0.1','Chrome 156, Linux','{"email": "gus@example.com", "superuser": false}','4695731f83f31f54a051ff748a93c1b1806464784ce77cb17bd2569047d17659','a1e15d34','6fc572941f6936bd');
INSERT INTO "audit" VALUES(17,6,2,'change_started',1,'2026-11-22 06:55:58.450878','2026-11-22 06:55:58.450878',1,'127.0.0.1','Chrome 156, Linux','{"by": "ann", "email": "fay.new@example.com", "reason": "lost her mailbox"}','317df77411704a32af9b4885522450f937cc49b3a1a2631336a9853479ff6674','a1e15d34','577c8a6871a195c3');
INSERT INTO "audit" VALUES(18,5,3,'signed_out',5,'2026-11-22 06:55:58.567294','2026-11-22 06:55:58.567294',1,'127.0.0.1','Chrome 156, Linux','{}','af01deb27ffa632da21c7d717302ed16fb5dbdbb911a94206ccc886b61c8550d','a1e15d34','b91176be0f4c71c6');
INSERT INTO "audit" VALUES(19,5,4,'sign_in_failed',5,'2026-11-22 06:55:58.487328','2026-11-22 06:55:58.552870',3,'127.0.0.1','Chrome 156, Linux','{}','215043cfcd2b8ab275df258d8692c3bb15688016b3fb8c2b93696bf00d2e864d','a1e15d34','309ca9c2d185daf5');
CREATE TABLE audit_tie (
	user_id INTEGER NOT NULL, 
	number INTEGER NOT NULL, 
	chain VARCHAR(64) NOT NULL, 
	last_at DATETIME NOT NULL, 
	exported_at DATETIME NOT NULL, 
	file VARCHAR(100) NOT NULL, 
	key_id VARCHAR(8) NOT NULL, 
	signature VARCHAR(64) NOT NULL, 
	CONSTRAINT pk_audit_tie PRIMARY KEY (user_id), 
	CONSTRAINT fk_audit_tie_user_id FOREIGN KEY(user_id) REFERENCES cms_user (id)
);
CREATE TABLE budget (
	"key" VARCHAR(64) NOT NULL, 
	used INTEGER NOT NULL, 
	used_at DATETIME NOT NULL, 
	resets_at DATETIME NOT NULL, 
	CONSTRAINT pk_budget PRIMARY KEY ("key")
);
INSERT INTO "budget" VALUES('2473c4d9ad1cd8e2779b13295bba09a8487b72b57daf50f3dc21580436ef0fcf',1,'2026-11-22 06:55:51.790797','2026-11-22 07:55:51.790797');
INSERT INTO "budget" VALUES('4d52d9181fbecfde1d766b282dcbaee9baf05cb04ac36c518732dafaf34ff2e5',1,'2026-11-22 06:55:51.790797','2026-11-22 07:55:51.790797');
INSERT INTO "budget" VALUES('d13fe704acec3384faeaf4a12fe898418d7fd387d178ad136c841af9354f8a4d',1,'2026-11-22 06:55:51.790797','2026-11-23 06:55:51.790797');
INSERT INTO "budget" VALUES('dae428aad6b057aa354b438cded2fb1f9f751241e07ea2b6cfd114e1a72a0bbc',2,'2026-11-22 06:55:54.674522','2026-11-22 07:55:51.790797');
INSERT INTO "budget" VALUES('0c938d5a29069cb229fc7ed3880b5c4aef52721bda6d9ead5f72edd3716cde15',2,'2026-11-22 06:55:53.146599','2026-11-23 06:55:53.138306');
INSERT INTO "budget" VALUES('2319e8a1d3803deb9815b114c1ceb0b62e7e29df8b51946fb38bfbf60d001dd1',2,'2026-11-22 06:55:53.146599','2026-11-23 06:55:53.138306');
INSERT INTO "budget" VALUES('2beefded8416fa255543a5a93bc420c16fa09e175b428f7a8346660d9a1bea66',1,'2026-11-22 06:55:54.674522','2026-11-22 07:55:54.674522');
INSERT INTO "budget" VALUES('e819d40996c06513a021915c4c30e8b40f86a5af9327eab3416a226befa66821',1,'2026-11-22 06:55:54.674522','2026-11-23 06:55:54.674522');
INSERT INTO "budget" VALUES('f93053a5efb0f6a56d39b909e33035986c106896a08d32b2c8f9bc5ea6a60e46',1,'2026-11-22 06:55:54.674522','2026-11-22 07:55:54.674522');
INSERT INTO "budget" VALUES('603f9f295bc34c1ee937907c707ba1950ce7a57459f736417282d63fff5f63ab',1,'2026-11-22 06:55:55.831090','2026-11-23 06:55:55.831090');
INSERT INTO "budget" VALUES('82f509c0124e30f87d49ec82f74ebca65a372fb8c5064da17184aab721e675c1',1,'2026-11-22 06:55:55.831090','2026-11-23 06:55:55.831090');
INSERT INTO "budget" VALUES('ae32f60042d346b17fc9d7850f725f342f2030863d1830420e2d8a8541ec0ea2',1,'2026-11-22 06:55:57.096801','2026-11-22 07:55:57.096801');
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
	audit_chain VARCHAR(64) NOT NULL, password_version INTEGER DEFAULT '1' NOT NULL, signed_in_at DATETIME, time_zone VARCHAR(64), erased_at DATETIME, 
	CONSTRAINT pk_cms_user PRIMARY KEY (id), 
	CONSTRAINT uq_cms_user_email_key UNIQUE (email_key), 
	CONSTRAINT uq_cms_user_username_key UNIQUE (username_key)
);
INSERT INTO "cms_user" VALUES(1,'ann','ann','ann@example.com','ann@example.com',1,'$argon2id$v=19$m=19456,t=2,p=1$PioMTfxcWG977uRiI9Rb9w$NEvSlycQu1cgj3dsUrT0kiiVldJF93bg85kzwrAw1a8',1,1,NULL,NULL,NULL,NULL,NULL,'[]',1,'2026-11-22 06:55:43.606654','2026-11-22 06:55:57.108717',NULL,3,'4695731f83f31f54a051ff748a93c1b1806464784ce77cb17bd2569047d17659',1,'2026-11-22 06:55:51.491268',NULL,NULL);
INSERT INTO "cms_user" VALUES(2,'bob','bob','bob@example.com','bob@example.com',1,'$argon2id$v=19$m=19456,t=2,p=1$KXUlTxJshrG2mddjmV8Wug$l0CnAjro0Pt3kyAatO3GjeNL8HHqiICyi25GCvkFqsA',0,1,NULL,NULL,NULL,NULL,NULL,'[]',1,'2026-11-22 06:55:44.892295','2026-11-22 06:55:55.831925',NULL,4,'167bf127405cee2bada63ce22c6e92fca0685e2440160dfa965ff6179a4d7aed',1,'2026-11-22 06:55:51.649865',NULL,NULL);
INSERT INTO "cms_user" VALUES(3,'carol','carol','carol.new@example.com','carol.new@example.com',2,'$argon2id$v=19$m=19456,t=2,p=1$atR4Gr7h80lGCWXYpTnzkw$3wicvtr9oWztL/zo0qJ/UIZgdoN7AP/IY20KMsf1Sso',0,1,NULL,NULL,NULL,NULL,NULL,'[]',1,'2026-11-22 06:55:46.040123','2026-11-22 06:55:53.147041',NULL,5,'4c4cdda88b9399cd506ea47054f5721959ac6d939b1812f9f0337055c552c92b',1,'2026-11-22 06:55:51.705747',NULL,NULL);
INSERT INTO "cms_user" VALUES(4,'dan','dan','dan@example.com','dan@example.com',1,'$argon2id$v=19$m=19456,t=2,p=1$XuiCH7T8L3YBZ+guH5DKnA$8aAexMoA0K8YKQoCITvG75nUMqyWl3CrhGJ36CjZ+wo',0,1,NULL,NULL,NULL,NULL,NULL,'[]',1,'2026-11-22 06:55:47.579409','2026-11-22 06:55:47.627818',NULL,1,'340ba0df6d80c16ffe4822e43f59d697f3628941adce3ca5e9948d8f52f55541',1,NULL,NULL,NULL);
INSERT INTO "cms_user" VALUES(5,'eve','eve','eve@example.com','eve@example.com',1,'$argon2id$v=19$m=19456,t=2,p=1$rDUG0iVX1L+ExNpBnUn4iQ$npMH+PNZ6qIkpqMLaOspw3YfDDoDY6eJt1p3rhxJiME',0,1,NULL,NULL,NULL,NULL,NULL,'[]',1,'2026-11-22 06:55:48.972607','2026-11-22 06:55:58.487328',NULL,4,'215043cfcd2b8ab275df258d8692c3bb15688016b3fb8c2b93696bf00d2e864d',1,'2026-11-22 06:55:51.746251',NULL,NULL);
INSERT INTO "cms_user" VALUES(6,'fay','fay','fay@example.com','fay@example.com',1,'$argon2id$v=19$m=19456,t=2,p=1$wvF3Q4WFZPVuDdQQvQpR6w$Q1p7pL7w/vebmI9hkHT6wifiN45zwdesaxRCwPjMT5E',0,1,NULL,NULL,NULL,NULL,NULL,'[]',1,'2026-11-22 06:55:50.097208','2026-11-22 06:55:58.450878',NULL,2,'317df77411704a32af9b4885522450f937cc49b3a1a2631336a9853479ff6674',1,NULL,NULL,NULL);
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
	CONSTRAINT fk_email_change_mail_id FOREIGN KEY(mail_id) REFERENCES mail (id) ON DELETE SET NULL, 
	CONSTRAINT uq_email_change_user_id UNIQUE (user_id), 
	CONSTRAINT uq_email_change_stop_hash UNIQUE (stop_hash), 
	CONSTRAINT fk_email_change_user_id FOREIGN KEY(user_id) REFERENCES cms_user (id) ON DELETE CASCADE, 
	CONSTRAINT fk_email_change_started_by FOREIGN KEY(started_by) REFERENCES cms_user (id) ON DELETE SET NULL, 
	CONSTRAINT fk_email_change_session_id FOREIGN KEY(session_id) REFERENCES login_session (id) ON DELETE SET NULL
);
INSERT INTO "email_change" VALUES(1,3,3,1,'carol.new@example.com','carol.new@example.com',1,'a1e15d34.yLYg5RD9ZYeNnlX74yWQgA',NULL,'eb25f4655a11f10d8ee510bf2faad3cabfca4dadae58397de0af9ed591f16a5a','2026-11-22 06:55:51.820497','2026-11-22 07:05:51.792086',2,0,0,0,NULL,'127.0.0.1','Chrome 156, Linux','made','');
INSERT INTO "email_change" VALUES(2,2,2,4,'bob.new@example.com','bob.new@example.com',1,'a1e15d34.SYxIbohpe45fvN3Rcqxt5Q',NULL,'ae4c50f82c51c27fa24f2e5a39790ece7ffc786386d7f953e6ae39115b3a1033','2026-11-22 06:55:54.706864','2026-11-22 07:05:54.676373',1,0,0,0,NULL,'127.0.0.1','Chrome 156, Linux','','');
INSERT INTO "email_change" VALUES(3,6,NULL,8,'fay.new@example.com','fay.new@example.com',1,'',NULL,'081b15dde9629195cfe5478fb6484cf391a8499169ce6009cc72aca9c9467fc6','2026-11-22 06:55:58.450559','2026-11-26 06:55:58.434178',0,0,0,1,1,'127.0.0.1','Chrome 156, Linux','','');
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
INSERT INTO "invitation" VALUES(1,'46ceaa690b820a280bce1c915de308236d4abada616c4ce8e0b06e214accd812','gus@example.com','gus@example.com',0,1,'2026-11-22 06:55:57.097637','2026-11-25 06:55:57.097637');
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
INSERT INTO "link" VALUES(1,'e7efda1709743aaa2c0139b011d87ff32c5262bee40e1410874b2b40c087ac94','undo',3,'carol@example.com','carol@example.com',2,'2026-11-22 06:55:53.149031','2026-11-29 06:55:53.149031',NULL,'2026-11-22 06:55:51.820497','127.0.0.1','Chrome 156, Linux');
INSERT INTO "link" VALUES(2,'1500a716bcbc96e5e5054dc0c6c85c958165e96a24fbae03b84e5567c27cbb51','prove',6,'fay.new@example.com','fay.new@example.com',1,'2026-11-22 06:55:58.435671','2026-11-26 06:55:58.435671',NULL,NULL,'','');
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
INSERT INTO "login_session" VALUES(1,'1749ce3803ff558103fc3745d112608a75b6ca94502790c256249c3c16ec4588',1,0,'2026-11-22 06:55:51.490935','2026-11-22 06:55:51.490935','2026-11-22 06:55:51.490935','127.0.0.1','Chrome 156, Linux','a1e15d34');
INSERT INTO "login_session" VALUES(2,'0a2e014ea5273b237928aad1dd9af0c0f2ddb954ca43f8bbcc0b3377a055fac9',2,0,'2026-11-22 06:55:51.647198','2026-11-22 06:55:51.647198','2026-11-22 06:55:51.647198','127.0.0.1','Chrome 156, Linux','a1e15d34');
INSERT INTO "login_session" VALUES(3,'2f85728b727514f334a5a1c7f6f48d1db6b71962e41a28df42ef67bfcd9687fe',3,0,'2026-11-22 06:55:51.705471','2026-11-22 06:55:51.705471','2026-11-22 06:55:51.705471','127.0.0.1','Chrome 156, Linux','a1e15d34');
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
INSERT INTO "mail" VALUES(1,'<179533055181.22966.17934144082865511789@example.net>','code',3,'','','','','sent','2026-11-22 06:55:51.818404','2026-11-22 06:58:22.668801','2026-11-22 07:05:51.792086',1,'2026-11-22 06:55:52.681345','');
INSERT INTO "mail" VALUES(2,'<179533055181.22966.6382407012032114276@example.net>','heads_up',3,'','','','','sent','2026-11-22 06:55:51.818404','2026-11-22 06:58:22.668801','2026-11-22 07:05:51.792086',1,'2026-11-22 06:55:52.688093','');
INSERT INTO "mail" VALUES(3,'<179533055315.22966.12078402583362342393@example.net>','changed',3,'','','','','sent','2026-11-22 06:55:53.159183','2026-11-22 06:58:24.254440','2026-11-25 06:55:53.159183',1,'2026-11-22 06:55:54.268282','');
INSERT INTO "mail" VALUES(4,'<179533055470.22967.13539805942501857269@example.net>','code',2,'','','','','sent','2026-11-22 06:55:54.704935','2026-11-22 06:58:25.477894','2026-11-22 07:05:54.676373',1,'2026-11-22 06:55:55.492996','');
INSERT INTO "mail" VALUES(5,'<179533055470.22967.1082856570716763732@example.net>','heads_up',2,'','','','','sent','2026-11-22 06:55:54.704935','2026-11-22 06:58:25.477894','2026-11-22 07:05:54.676373',1,'2026-11-22 06:55:55.500060','');
INSERT INTO "mail" VALUES(6,'<179533055710.22966.3476097606063861343@example.net>','invitation',1,'','','','','sent','2026-11-22 06:55:57.107925','2026-11-22 06:58:28.076150','2026-11-25 06:55:57.097637',1,'2026-11-22 06:55:58.091094','');
INSERT INTO "mail" VALUES(7,'<179533055844.22966.1680049323267860199@example.net>','assisted',6,'','','','','sent','2026-11-22 06:55:58.444130','2026-11-22 06:58:29.594595','2026-11-25 06:55:58.444130',1,'2026-11-22 06:55:59.611870','');
INSERT INTO "mail" VALUES(8,'<179533055845.22966.5906754317494587694@example.net>','assisted_proof',6,'fay.new@example.com','请确认您的新邮箱','fay，您好：

已为您发起邮箱修改，您账号的邮箱将改为此邮箱。请通过以下链接确认：

http://127.0.0.1:24246/cms/resetemail/prove/3_Sks8AGQodZCqQN7BmGAFe1_q_2OBhX7wpRihOlBho/

时间：2026-11-22 06:55 UTC
操作人：ann

如果您不知情，请忽略此邮件，不会有任何改动。

-- 
账号中心 · 127.0.0.1:24246
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
      <p style="margin:0 0 20px;padding-bottom:12px;border-bottom:1px solid #c9cede;font-weight:bold;overflow-wrap:anywhere">账号中心 · 127.0.0.1:24246</p>
      
<p>fay，您好：</p>
<p>已为您发起邮箱修改，您账号的邮箱将改为此邮箱。请通过以下链接确认：</p>
<p style="margin:20px 0"><a href="http://127.0.0.1:24246/cms/resetemail/prove/3_Sks8AGQodZCqQN7BmGAFe1_q_2OBhX7wpRihOlBho/" style="display:inline-block;padding:12px 24px;border:1px solid #2f6fde;border-radius:8px;background-color:#2f6fde;color:#ffffff;font-weight:bold;text-decoration:none">确认新邮箱</a></p>
<p style="font-size:14px">如果按钮无法点击，请打开以下网址：<br><a href="http://127.0.0.1:24246/cms/resetemail/prove/3_Sks8AGQodZCqQN7BmGAFe1_q_2OBhX7wpRihOlBho/" style="color:inherit;word-break:break-all">http://127.0.0.1:24246/cms/resetemail/prove/3_Sks8AGQodZCqQN7BmGAFe1_q_2OBhX7wpRihOlBho/</a></p>
<p style="padding-left:12px;border-left:3px solid #8a93b0;overflow-wrap:anywhere">时间：2026-11-22 06:55 UTC<br>
操作人：ann</p>
<p>如果您不知情，请忽略此邮件，不会有任何改动。</p>

    </div>
  </body>
</html>','queued','2026-11-22 06:55:58.450135','2026-11-23 06:55:58.434178','2026-11-26 06:55:58.434178',0,NULL,'');
INSERT INTO "mail" VALUES(9,'<179533055998.22966.1055779570529292813@example.net>','task:password_link',NULL,'dan@example.com','','{"request_id": "359f502d2c063dd8", "origin": {"network": "127.0.0.1", "browser": "Chrome 156, Linux", "site": "http://127.0.0.1:24246", "time_zone": ""}, "language": "zh"}','','queued','2026-11-22 06:55:59.983393','2026-11-22 06:55:59.983393','2026-11-25 06:55:59.983393',0,NULL,'');
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
CREATE INDEX ix_email_change_session_id ON email_change (session_id);
CREATE INDEX ix_email_change_expires_at ON email_change (expires_at);
CREATE INDEX ix_email_change_mail_id ON email_change (mail_id);
CREATE INDEX ix_email_change_started_by ON email_change (started_by);
CREATE INDEX ix_email_change_is_assisted ON email_change (asked_at, id) WHERE is_assisted = 1;
CREATE INDEX ix_cms_user_is_superuser ON cms_user (id) WHERE is_superuser = 1;
COMMIT;
