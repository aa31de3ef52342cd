BEGIN TRANSACTION;
CREATE TABLE alembic_version (
	version_num VARCHAR(32) NOT NULL, 
	CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
);
INSERT INTO "alembic_version" VALUES('0005');
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
	chain VARCHAR(64) NOT NULL, 
	CONSTRAINT pk_audit PRIMARY KEY (id), 
	CONSTRAINT fk_audit_user_id FOREIGN KEY(user_id) REFERENCES cms_user (id), 
	CONSTRAINT uq_audit_user_id_number UNIQUE (user_id, number)
);
INSERT INTO "audit" VALUES(1,1,1,'administrator_created',NULL,'2026-11-22 01:01:49.781002','2026-11-22 01:01:49.781002',1,'-','command line','{"superuser": true}','cb30d073a31e6bc45b9af426536e189341433ce3241807b12e8bb87e38deb73f');
INSERT INTO "audit" VALUES(2,2,1,'administrator_created',NULL,'2026-11-22 01:01:52.504663','2026-11-22 01:01:52.504663',1,'-','command line','{"superuser": false}','ac868420e6f526b56d4fd40c387ddcd7ebe0c798b1eafecb18e47b204138c1ef');
INSERT INTO "audit" VALUES(3,3,1,'administrator_created',NULL,'2026-11-22 01:01:57.807946','2026-11-22 01:01:57.807946',1,'-','command line','{"superuser": false}','5ba95c9347ade4df09bb43d7c3fc0cd61d6bcb338e69b6fadf757c44c9e3285d');
INSERT INTO "audit" VALUES(4,4,1,'administrator_created',NULL,'2026-11-22 01:02:04.814032','2026-11-22 01:02:04.814032',1,'-','command line','{"superuser": false}','af4869b3dbcc26d5e1b658b87b6a4f8246349e0ae5893bc4695f556101b25059');
INSERT INTO "audit" VALUES(5,5,1,'administrator_created',NULL,'2026-11-22 01:02:19.633586','2026-11-22 01:02:19.633586',1,'-','command line','{"superuser": false}','6a0f0f49ac6025f5f47551baa973e2585a72abe1d8c64b5353b71077d9e0affa');
INSERT INTO "audit" VALUES(6,6,1,'administrator_created',NULL,'2026-11-22 01:02:34.232936','2026-11-22 01:02:34.232936',1,'-','command line','{"superuser": false}','8292243428f14545d721be755154dc6efdb362bd3114f6493028904777aac412');
INSERT INTO "audit" VALUES(7,1,2,'signed_in',1,'2026-11-22 01:02:47.337845','2026-11-22 01:02:47.337845',1,'127.0.0.1','Chrome 156, Linux','{}','f05b56e3b020a74c642e8accce9f376fe7229a383a37992c36ddecd54d585b09');
INSERT INTO "audit" VALUES(8,2,2,'signed_in',2,'2026-11-22 01:02:47.522180','2026-11-22 01:02:47.522180',1,'127.0.0.1','Chrome 156, Linux','{}','d238873359c656cd546820dd50228400cdf62823dfedc8c25cb0e954b727aa0d');
INSERT INTO "audit" VALUES(9,3,2,'signed_in',3,'2026-11-22 01:02:47.945139','2026-11-22 01:02:47.945139',1,'127.0.0.1','Chrome 156, Linux','{}','dd09cd42d8e43d9c8d2560dbb04fb9ae373d36dffe03f88602c762978d0251aa');
INSERT INTO "audit" VALUES(10,5,2,'signed_in',5,'2026-11-22 01:02:48.076257','2026-11-22 01:02:48.076257',1,'127.0.0.1','Chrome 156, Linux','{}','630f8c3f67a3325c94082959b8e1f168fdbd1b56a45e6cdd96a591a51ab2b575');
INSERT INTO "audit" VALUES(11,3,3,'code_requested',3,'2026-11-22 01:02:48.326394','2026-11-22 01:02:48.326394',1,'127.0.0.1','Chrome 156, Linux','{"email": "carol.new@example.com"}','7bfc717ef50b33e562e53d9343dba49d538d8248bf852027575a47c7e85c2f80');
INSERT INTO "audit" VALUES(12,3,4,'code_wrong',3,'2026-11-22 01:02:58.180543','2026-11-22 01:02:58.180543',1,'127.0.0.1','Chrome 156, Linux','{"email": "carol.new@example.com"}','4236d72eab7d6762ccf91227267f946f01b10b502f9ad23ee97299a4d09e9bda');
INSERT INTO "audit" VALUES(13,3,5,'email_changed',3,'2026-11-22 01:02:58.218625','2026-11-22 01:02:58.218625',1,'127.0.0.1','Chrome 156, Linux','{"new": "carol.new@example.com", "old": "carol@example.com"}','d3193955f053794ddf84190a06ca8b4401f04f32950f3e3eacd4884b2e3d391a');
INSERT INTO "audit" VALUES(14,2,3,'code_requested',2,'2026-11-22 01:03:04.210231','2026-11-22 01:03:04.210231',1,'127.0.0.1','Chrome 156, Linux','{"email": "bob.new@example.com"}','70c51c3f484ac369817db4f3f89c2334b05e0de2313f6d3e978ad9c4378816a4');
INSERT INTO "audit" VALUES(15,2,4,'code_wrong',2,'2026-11-22 01:03:14.462451','2026-11-22 01:03:14.462451',1,'127.0.0.1','Chrome 156, Linux','{"email": "bob.new@example.com"}','f2c2352adfe0114977c567d367fd2d2810f822b1e13d5a9c09861ebb522f8aed');
INSERT INTO "audit" VALUES(16,1,3,'invitation_sent',1,'2026-11-22 01:03:19.075748','2026-11-22 01:03:19.075748',1,'127.0.0.1','Chrome 156, Linux','{"email": "gus@example.com", "superuser": false}','ec12dd26836b28df7b74ae6d343b54c89f90319542547bfa3a131fbaca0529e0');
INSERT INTO "audit" VALUES(17,6,2,'change_started',1,'2026-11-22 01:03:22.944294','2026-11-22 01:03:22.944294',1,'127.0.0.1','Chrome 156, Linux','{"by": "ann", "email": "fay.new@example.com", "reason": "lost her mailbox"}','bf73e7ea1cb715a364dfcd80ad9b515c1bf7d6473e5efc2cec57f5d3629d3626');
INSERT INTO "audit" VALUES(18,5,3,'signed_out',5,'2026-11-22 01:03:23.473525','2026-11-22 01:03:23.473525',1,'127.0.0.1','Chrome 156, Linux','{}','6d9bc3e0796c8d2732ecd17f584d428427d3051e406c4eec1d04a00e0e5dd19f');
INSERT INTO "audit" VALUES(19,5,4,'sign_in_failed',5,'2026-11-22 01:03:23.150439','2026-11-22 01:03:23.441791',3,'127.0.0.1','Chrome 156, Linux','{}','ac417cc69830e970ad57c1183e3cd40041342524e9f2e24f84464c3291e3d887');
CREATE TABLE budget (
	"key" VARCHAR(64) NOT NULL, 
	used INTEGER NOT NULL, 
	used_at DATETIME NOT NULL, 
	resets_at DATETIME NOT NULL, 
	CONSTRAINT pk_budget PRIMARY KEY ("key")
);
INSERT INTO "budget" VALUES('2473c4d9ad1cd8e2779b13295bba09a8487b72b57daf50f3dc21580436ef0fcf',1,'2026-11-22 01:02:48.222023','2026-11-22 02:02:48.222023');
INSERT INTO "budget" VALUES('4d52d9181fbecfde1d766b282dcbaee9baf05cb04ac36c518732dafaf34ff2e5',1,'2026-11-22 01:02:48.222023','2026-11-22 02:02:48.222023');
INSERT INTO "budget" VALUES('d13fe704acec3384faeaf4a12fe898418d7fd387d178ad136c841af9354f8a4d',1,'2026-11-22 01:02:48.222023','2026-11-23 01:02:48.222023');
INSERT INTO "budget" VALUES('dae428aad6b057aa354b438cded2fb1f9f751241e07ea2b6cfd114e1a72a0bbc',2,'2026-11-22 01:03:04.092641','2026-11-22 02:02:48.222023');
INSERT INTO "budget" VALUES('0c938d5a29069cb229fc7ed3880b5c4aef52721bda6d9ead5f72edd3716cde15',2,'2026-11-22 01:02:58.218170','2026-11-23 01:02:58.179427');
INSERT INTO "budget" VALUES('2319e8a1d3803deb9815b114c1ceb0b62e7e29df8b51946fb38bfbf60d001dd1',2,'2026-11-22 01:02:58.218170','2026-11-23 01:02:58.179427');
INSERT INTO "budget" VALUES('2beefded8416fa255543a5a93bc420c16fa09e175b428f7a8346660d9a1bea66',1,'2026-11-22 01:03:04.092641','2026-11-22 02:03:04.092641');
INSERT INTO "budget" VALUES('e819d40996c06513a021915c4c30e8b40f86a5af9327eab3416a226befa66821',1,'2026-11-22 01:03:04.092641','2026-11-23 01:03:04.092641');
INSERT INTO "budget" VALUES('f93053a5efb0f6a56d39b909e33035986c106896a08d32b2c8f9bc5ea6a60e46',1,'2026-11-22 01:03:04.092641','2026-11-22 02:03:04.092641');
INSERT INTO "budget" VALUES('603f9f295bc34c1ee937907c707ba1950ce7a57459f736417282d63fff5f63ab',1,'2026-11-22 01:03:14.450058','2026-11-23 01:03:14.450058');
INSERT INTO "budget" VALUES('82f509c0124e30f87d49ec82f74ebca65a372fb8c5064da17184aab721e675c1',1,'2026-11-22 01:03:14.450058','2026-11-23 01:03:14.450058');
INSERT INTO "budget" VALUES('ae32f60042d346b17fc9d7850f725f342f2030863d1830420e2d8a8541ec0ea2',1,'2026-11-22 01:03:19.059514','2026-11-22 02:03:19.059514');
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
INSERT INTO "cms_user" VALUES(1,'ann','ann','ann@example.com','ann@example.com',1,'$argon2id$v=19$m=19456,t=2,p=1$kmI7opf8fpni/oHnv4cl8w$Z1uhopSKQmcoDW4BEKgxek5fS7j1hkpfD+d3p3sB7qg',1,1,NULL,NULL,NULL,NULL,NULL,'[]',1,'2026-11-22 01:01:49.756296','2026-11-22 01:03:19.075748',NULL,3,'ec12dd26836b28df7b74ae6d343b54c89f90319542547bfa3a131fbaca0529e0',1,'2026-11-22 01:02:47.337829',NULL);
INSERT INTO "cms_user" VALUES(2,'bob','bob','bob@example.com','bob@example.com',1,'$argon2id$v=19$m=19456,t=2,p=1$CPvXjGkeP/E92TS6FSmJsg$AyE0pgjTd0u/rf45mYLgu5/rUp7E4H6j+DnVDoUsdmA',0,1,NULL,NULL,NULL,NULL,NULL,'[]',1,'2026-11-22 01:01:52.382822','2026-11-22 01:03:14.462451',NULL,4,'f2c2352adfe0114977c567d367fd2d2810f822b1e13d5a9c09861ebb522f8aed',1,'2026-11-22 01:02:47.522169',NULL);
INSERT INTO "cms_user" VALUES(3,'carol','carol','carol.new@example.com','carol.new@example.com',2,'$argon2id$v=19$m=19456,t=2,p=1$rjozjNfij0tXR2UPncgi5g$JUdrkQV8+Vki0TSMvCMKwYW7X6MWEm8mRioV95pgDXc',0,1,NULL,NULL,NULL,NULL,NULL,'[]',1,'2026-11-22 01:01:57.609222','2026-11-22 01:02:58.218625',NULL,5,'d3193955f053794ddf84190a06ca8b4401f04f32950f3e3eacd4884b2e3d391a',1,'2026-11-22 01:02:47.945125',NULL);
INSERT INTO "cms_user" VALUES(4,'dan','dan','dan@example.com','dan@example.com',1,'$argon2id$v=19$m=19456,t=2,p=1$5C86kChLihdpsSLWt/K2qw$JcEVKqDkgooC3MTC5QMWPSEBwImP5czEUWjtl/vkIuM',0,1,NULL,NULL,NULL,NULL,NULL,'[]',1,'2026-11-22 01:02:04.384588','2026-11-22 01:02:04.814032',NULL,1,'af4869b3dbcc26d5e1b658b87b6a4f8246349e0ae5893bc4695f556101b25059',1,NULL,NULL);
INSERT INTO "cms_user" VALUES(5,'eve','eve','eve@example.com','eve@example.com',1,'$argon2id$v=19$m=19456,t=2,p=1$bHDkB6UmVO1A8WzwSuSh5Q$JkyO2L5CBxiHO+OJD1SDkobLLCsNsNXA3xU3PeU2lnc',0,1,NULL,NULL,NULL,NULL,NULL,'[]',1,'2026-11-22 01:02:19.281462','2026-11-22 01:03:23.150439',NULL,4,'ac417cc69830e970ad57c1183e3cd40041342524e9f2e24f84464c3291e3d887',1,'2026-11-22 01:02:48.076247',NULL);
INSERT INTO "cms_user" VALUES(6,'fay','fay','fay@example.com','fay@example.com',1,'$argon2id$v=19$m=19456,t=2,p=1$SjcYrUsSiAW5x62uDuozsA$71MENfng8fDWHPILOZ4YWii/4wgC8Hz2AfNeGPm67fM',0,1,NULL,NULL,NULL,NULL,NULL,'[]',1,'2026-11-22 01:02:33.672338','2026-11-22 01:03:22.944294',NULL,2,'bf73e7ea1cb715a364dfcd80ad9b515c1bf7d6473e5efc2cec57f5d3629d3626',1,NULL,NULL);
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
	CONSTRAINT uq_email_change_user_id UNIQUE (user_id), 
	CONSTRAINT uq_email_change_stop_hash UNIQUE (stop_hash), 
	CONSTRAINT fk_email_change_mail_id FOREIGN KEY(mail_id) REFERENCES mail (id) ON DELETE SET NULL, 
	CONSTRAINT fk_email_change_user_id FOREIGN KEY(user_id) REFERENCES cms_user (id) ON DELETE CASCADE, 
	CONSTRAINT fk_email_change_started_by FOREIGN KEY(started_by) REFERENCES cms_user (id) ON DELETE SET NULL, 
	CONSTRAINT fk_email_change_session_id FOREIGN KEY(session_id) REFERENCES login_session (id) ON DELETE SET NULL
);
INSERT INTO "email_change" VALUES(1,3,3,1,'carol.new@example.com','carol.new@example.com',1,'f6110557ed3212495a8568e749a10cab',NULL,'58077479fe615382300827de3921f0e52de3a240f23cf35089f8b67cfc21e591','2026-11-22 01:02:48.314360','2026-11-22 01:12:48.227809',2,0,0,0,NULL,'127.0.0.1','Chrome 156, Linux','made','');
INSERT INTO "email_change" VALUES(2,2,2,4,'bob.new@example.com','bob.new@example.com',1,'16528511577b25ff8e42710f7defcfe2',NULL,'5bd6eb65703af79a1468e1278b254fd4fae7d375b981a65659c9ff6541fa6e41','2026-11-22 01:03:04.208099','2026-11-22 01:13:04.094561',1,0,0,0,NULL,'127.0.0.1','Chrome 156, Linux','','');
INSERT INTO "email_change" VALUES(3,6,NULL,8,'fay.new@example.com','fay.new@example.com',1,'',NULL,'517203a71575980f3c5864be9637d9051521fd346658fd9b7b094891b5196253','2026-11-22 01:03:22.943945','2026-11-26 01:03:22.884771',0,0,0,1,1,'127.0.0.1','Chrome 156, Linux','','');
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
INSERT INTO "invitation" VALUES(1,'d8c31fd564b67e37bb57e8ad5d80d2c9144ea77854f1b41eb7d205bf2853a88b','gus@example.com','gus@example.com',0,1,'2026-11-22 01:03:19.060205','2026-11-25 01:03:19.060205');
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
INSERT INTO "link" VALUES(1,'a161e9c8e58ea4da03ec2018008116ba1b69ca374f2f8e0b851e68a0cc2aa54e','undo',3,'carol@example.com','carol@example.com',2,'2026-11-22 01:02:58.239027','2026-11-29 01:02:58.239027',NULL,'2026-11-22 01:02:48.314360','127.0.0.1','Chrome 156, Linux');
INSERT INTO "link" VALUES(2,'7abba30f3ada1cd4d4e28f11a2e338344fce613028307b11dd4640cc7909874e','prove',6,'fay.new@example.com','fay.new@example.com',1,'2026-11-22 01:03:22.896175','2026-11-26 01:03:22.896175',NULL,NULL,'','');
CREATE TABLE login_session (
	id INTEGER NOT NULL, 
	id_hash VARCHAR(64) NOT NULL, 
	user_id INTEGER NOT NULL, 
	remembered BOOLEAN NOT NULL, 
	created_at DATETIME NOT NULL, 
	seen_at DATETIME NOT NULL, 
	proved_at DATETIME NOT NULL, 
	network VARCHAR(64) NOT NULL, 
	browser VARCHAR(200) NOT NULL, 
	CONSTRAINT pk_login_session PRIMARY KEY (id), 
	CONSTRAINT fk_login_session_user_id FOREIGN KEY(user_id) REFERENCES cms_user (id) ON DELETE CASCADE, 
	CONSTRAINT uq_login_session_id_hash UNIQUE (id_hash)
);
INSERT INTO "login_session" VALUES(1,'884dd704b6dad54dc66f6c2cc76013fb735ba06a2bf8bffc0989903b697a3b21',1,0,'2026-11-22 01:02:47.337589','2026-11-22 01:02:47.337589','2026-11-22 01:02:47.337589','127.0.0.1','Chrome 156, Linux');
INSERT INTO "login_session" VALUES(2,'ab2f1f4f49611eb4e9fc72bd6dabd580a093da57d74b89dc97ce045c49b021df',2,0,'2026-11-22 01:02:47.522011','2026-11-22 01:02:47.522011','2026-11-22 01:02:47.522011','127.0.0.1','Chrome 156, Linux');
INSERT INTO "login_session" VALUES(3,'1f0639fac028b9b33528b06007be4c01c48540d22306f4f92ad0707a706c7e78',3,0,'2026-11-22 01:02:47.944942','2026-11-22 01:02:47.944942','2026-11-22 01:02:47.944942','127.0.0.1','Chrome 156, Linux');
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
INSERT INTO "mail" VALUES(1,'<179530936831.6752.10545629668923613787@example.net>','code',3,'carol.new@example.com','','','','sent','2026-11-22 01:02:48.312436','2026-11-22 01:05:25.214476','2026-11-22 01:12:48.227809',1,'2026-11-22 01:02:55.357615','');
INSERT INTO "mail" VALUES(2,'<179530936831.6752.4186340700822587440@example.net>','heads_up',3,'carol@example.com','','','','sent','2026-11-22 01:02:48.312436','2026-11-22 01:05:25.214476','2026-11-22 01:12:48.227809',1,'2026-11-22 01:02:55.414933','');
INSERT INTO "mail" VALUES(3,'<179530937826.6752.16133828069310569303@example.net>','changed',3,'carol@example.com','','','','sent','2026-11-22 01:02:58.267035','2026-11-22 01:05:31.200670','2026-11-25 01:02:58.267035',1,'2026-11-22 01:03:01.371581','');
INSERT INTO "mail" VALUES(4,'<179530938419.6755.2373920826240278968@example.net>','code',2,'bob.new@example.com','','','','sent','2026-11-22 01:03:04.198208','2026-11-22 01:05:41.938532','2026-11-22 01:13:04.094561',1,'2026-11-22 01:03:12.081202','');
INSERT INTO "mail" VALUES(5,'<179530938419.6755.12604092275785793211@example.net>','heads_up',2,'bob@example.com','','','','sent','2026-11-22 01:03:04.198208','2026-11-22 01:05:41.938532','2026-11-22 01:13:04.094561',1,'2026-11-22 01:03:12.114842','');
INSERT INTO "mail" VALUES(6,'<179530939907.6755.16541006811079097992@example.net>','invitation',1,'gus@example.com','','','','sent','2026-11-22 01:03:19.073910','2026-11-22 01:05:51.701776','2026-11-25 01:03:19.060205',1,'2026-11-22 01:03:21.783082','');
INSERT INTO "mail" VALUES(7,'<179530940292.6755.1114485273058648884@example.net>','assisted',6,'fay@example.com','','','','sent','2026-11-22 01:03:22.923904','2026-11-22 01:05:58.510459','2026-11-25 01:03:22.923904',1,'2026-11-22 01:03:28.639833','');
INSERT INTO "mail" VALUES(8,'<179530940294.6755.17933404046325033448@example.net>','assisted_proof',6,'fay.new@example.com','请确认您的新邮箱','fay，您好：

已为您发起邮箱修改，您账号的邮箱将改为此邮箱。请通过以下链接确认：

http://127.0.0.1:30584/cms/resetemail/prove/0mzPmT4-A_X8QV-ZgFn_B2bEuVubRaUakFtV_xbQ3ps/

时间：2026-11-22 01:03 UTC
操作人：ann

如果您不知情，请忽略此邮件，不会有任何改动。

-- 
账号中心 · 127.0.0.1:30584
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
      <p style="margin:0 0 20px;padding-bottom:12px;border-bottom:1px solid #c9cede;font-weight:bold;overflow-wrap:anywhere">账号中心 · 127.0.0.1:30584</p>
      
<p>fay，您好：</p>
<p>已为您发起邮箱修改，您账号的邮箱将改为此邮箱。请通过以下链接确认：</p>
<p style="margin:20px 0"><a href="http://127.0.0.1:30584/cms/resetemail/prove/0mzPmT4-A_X8QV-ZgFn_B2bEuVubRaUakFtV_xbQ3ps/" style="display:inline-block;padding:12px 24px;border:1px solid #2f6fde;border-radius:8px;background-color:#2f6fde;color:#ffffff;font-weight:bold;text-decoration:none">确认新邮箱</a></p>
<p style="font-size:14px">如果按钮无法点击，请打开以下网址：<br><a href="http://127.0.0.1:30584/cms/resetemail/prove/0mzPmT4-A_X8QV-ZgFn_B2bEuVubRaUakFtV_xbQ3ps/" style="color:inherit;word-break:break-all">http://127.0.0.1:30584/cms/resetemail/prove/0mzPmT4-A_X8QV-ZgFn_B2bEuVubRaUakFtV_xbQ3ps/</a></p>
<p style="padding-left:12px;border-left:3px solid #8a93b0;overflow-wrap:anywhere">时间：2026-11-22 01:03 UTC<br>
操作人：ann</p>
<p>如果您不知情，请忽略此邮件，不会有任何改动。</p>

    </div>
  </body>
</html>','queued','2026-11-22 01:03:22.943307','2026-11-23 01:03:22.884771','2026-11-26 01:03:22.884771',0,NULL,'');
INSERT INTO "mail" VALUES(9,'<179530941097.6755.7966841536442166598@example.net>','task:password_link',NULL,'dan@example.com','','{"origin": {"network": "127.0.0.1", "browser": "Chrome 156, Linux", "site": "http://127.0.0.1:30584", "time_zone": ""}, "language": "zh"}','','queued','2026-11-22 01:03:30.974026','2026-11-22 01:03:30.974026','2026-11-25 01:03:30.974026',0,NULL,'');
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
CREATE INDEX ix_email_change_session_id ON email_change (session_id);
CREATE INDEX ix_email_change_expires_at ON email_change (expires_at);
CREATE INDEX ix_email_change_started_by ON email_change (started_by);
CREATE INDEX ix_email_change_is_assisted ON email_change (asked_at, id) WHERE is_assisted = 1;
COMMIT;
